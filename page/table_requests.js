// Rows of a table as requests: `{{column}}` in a template is the cell of that column. Pure.

const BODIES = {
  "/v1/chat/completions": (prompt, system) => ({
    messages: [...(system ? [{ role: "system", content: system }] : []), { role: "user", content: prompt }],
  }),
  "/v1/responses": (prompt, system) => ({ input: prompt, ...(system ? { instructions: system } : {}) }),
  "/v1/completions": (prompt) => ({ prompt }),
  "/v1/embeddings": (prompt) => ({ input: prompt }),
  "/v1/moderations": (prompt) => ({ input: prompt }),
};
/** The endpoints that a prompt alone is enough for. */
export const TABLE_ENDPOINTS = Object.keys(BODIES);

/** Names in the template that are no columns. */
export const unknownNames = (template, columns) => namesIn(template).filter((name) => !columns.includes(name));
const namesIn = (template) => [...template.matchAll(/\{\{\s*(.*?)\s*\}\}/g)].map((found) => found[1]);

/** `plan`: `columns`, `template`, `system`, `model`, `endpoint`, `idColumn` (empty: rows are numbered). */
export function requestOf(cells, number, plan) {
  const of = (template) =>
    template.replace(/\{\{\s*(.*?)\s*\}\}/g, (whole, name) => cells[plan.columns.indexOf(name)] ?? (plan.columns.includes(name) ? "" : whole));
  const id = plan.idColumn ? cells[plan.columns.indexOf(plan.idColumn)] : "";
  const body = { model: plan.model, ...BODIES[plan.endpoint](of(plan.template), of(plan.system)) };
  return { custom_id: id || `row-${number}`, method: "POST", url: plan.endpoint, body };
}

/** All rows as one file. */
export function requestsFile(rows, plan) {
  const lines = rows.map((cells, index) => `${JSON.stringify(requestOf(cells, index + 1, plan))}\n`);
  return new Blob(lines, { type: "application/jsonl" });
}

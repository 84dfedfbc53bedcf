// Tables as CSV, written so that a spreadsheet takes no text for a formula. Pure.

const cell = (value) => {
  let text = value == null ? "" : String(value);
  if (/^[=+\-@\t\r]/.test(text) && typeof value !== "number") text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Rows of values as one text; it begins with the mark by which Excel knows UTF-8. */
export const writeCsv = (rows) => `\uFEFF${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;

/** Rows of cells of a CSV text: RFC 4180, with `,` or `;` or a tab between them, whichever its first line has most of. */
export function readCsv(text) {
  const between = separator(text);
  const rows = [];
  let row = [];
  let field = "";
  let isQuoted = false;
  for (let at = text.startsWith("\uFEFF") ? 1 : 0; at < text.length; at += 1) {
    const sign = text[at];
    if (isQuoted) {
      if (sign !== '"') field += sign;
      else if (text[at + 1] === '"') (field += '"'), (at += 1);
      else isQuoted = false;
    } else if (sign === '"' && !field) isQuoted = true;
    else if (sign === between) row.push(field), (field = "");
    else if (sign === "\n") row.push(field), rows.push(row), (row = []), (field = "");
    else if (sign !== "\r") field += sign;
  }
  if (field || row.length) rows.push([...row, field]);
  return rows.filter((each) => each.some((value) => value.trim()));
}

function separator(text) {
  const first = text.slice(0, text.search(/\r?\n|$/));
  const times = (sign) => first.split(sign).length;
  return [",", ";", "\t"].reduce((best, sign) => (times(sign) > times(best) ? sign : best));
}

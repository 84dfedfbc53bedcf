// The report that is shown, as a program would ask for it.

import { html } from "../../html.js";
import { Snippet } from "../../parts/snippet.js";
import { REPORTS, parametersOf } from "./reports.js";

export function UsageSnippet({ filter }) {
  const pairs = parametersOf(filter).filter(([name]) => name !== "limit");
  const { path, most } = REPORTS[filter.report];
  const call = path.replace("usage/", "");
  const lists = ["group_by", "models"];
  const given = [...pairs.filter(([name]) => !lists.includes(name)), ["limit", most]];
  for (const list of lists) {
    const values = pairs.filter(([name]) => name === list).map(([, value]) => value);
    if (values.length) given.push([list, values]);
  }
  const python = given.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ");
  const node = given.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
  const codes = {
    curl: `"URL/organization/${path}?${new URLSearchParams([...pairs, ["format", "csv"]])}"`,
    python: `usage = client.with_options(admin_api_key="YOUR_KEY").admin.organization.usage
page = usage.${call}(${python})
for bucket in page.data:
    print(bucket.start_time, bucket.results)`,
    node: `const { usage } = client.withOptions({ adminAPIKey: "YOUR_KEY" }).admin.organization;
const page = await usage.${call}({ ${node} });
for (const bucket of page.data) console.log(bucket.start_time, bucket.results);`,
  };
  return html`<${Snippet} codes=${codes} />`;
}

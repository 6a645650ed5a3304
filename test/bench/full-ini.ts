import { randomUUID } from "node:crypto";

const customersProxySet = 4;

/**
 * The given INI file, of which IP Group 4 is a customer's, with so many IP Groups in all: the new ones are customers as
 * the shipped blueprint makes them, on one Proxy Set that they share.
 */
export function fillIni(ini: string, ipGroups: number): string {
  const present = [...ini.matchAll(/^IPGroup (\d+) = (.*)$/gm)];
  const model = present.find(([, index]) => index === "4")?.[2];
  if (model === undefined) throw new Error("the INI file has no IP Group 4 to make others after");
  const taken = new Set(present.map(([, index]) => Number(index)));
  const rows: string[] = [];
  for (let index = 0; rows.length + taken.size < ipGroups; index += 1) {
    if (taken.has(index)) continue;
    const cells = model
      .replace('"IPG_Fabrikam", "PS_Fabrikam"', `"Cust${index}", "SIPTrunk"`)
      .replace('"Customer=Fabrikam;Site=Berlin"', `"Trunk=${randomUUID()}"`)
      .replace('"MR_WAN", "", 1,', '"MR_WAN", "", 0,');
    rows.push(`IPGroup ${index} = ${cells}`);
  }
  return ini
    .replace(/^(ProxySet 3 = )(.*)$/m, (line, _head, cells: string) =>
      [line, `ProxySet ${customersProxySet} = ${cells.replace('"PS_Fabrikam"', '"SIPTrunk"')}`].join("\n"),
    )
    .replace(/^(ProxyIp 5 = .*)$/m, `$1\nProxyIp 6 = "${customersProxySet}", 0, "192.0.2.60:5060", 0, 0, 0;`)
    .replace(/^\[ \\IPGroup \]$/m, `${rows.join("\n")}\n\n[ \\IPGroup ]`);
}

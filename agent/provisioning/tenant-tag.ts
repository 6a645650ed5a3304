import type { Row } from "../../drivers/driver.ts";

/** The tenant that an IP Group's tags name, whoever wrote them. */
export function tenantOf(row: Pick<Row, "fields">): string | undefined {
  return /(?:^|;)Trunk=([^;]*)/.exec(row.fields["tags"] ?? "")?.[1];
}

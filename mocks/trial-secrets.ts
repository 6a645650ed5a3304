import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCertificate } from "./sbc/certificate.ts";

/** What portal and agent of config/deploy/compose.yaml keep secret or share, one file each. Files that are there stay. */

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: trial-secrets FOLDER");

function writeOnce(name: string, text: string): void {
  const file = join(folder ?? "", name);
  if (!existsSync(file)) writeFileSync(file, text, { mode: 0o600 });
}

const { certificatePem, keyPem } = createCertificate({ commonName: "portal", dnsNames: ["portal", "localhost"] });
// The pair belongs together: after half of it, both are made anew.
if (!existsSync(join(folder, "portal.pem")) || !existsSync(join(folder, "portal-key.pem"))) {
  writeFileSync(join(folder, "portal-key.pem"), keyPem, { mode: 0o600 });
  writeFileSync(join(folder, "portal.pem"), certificatePem, { mode: 0o600 });
}
writeOnce("portal-seal-key", randomBytes(32).toString("base64"));
writeOnce("agent-seal-key", randomBytes(32).toString("base64"));
writeOnce("agent-token", randomBytes(32).toString("base64url"));
// Every mock device's.
writeOnce("sbc-password", "Admin");

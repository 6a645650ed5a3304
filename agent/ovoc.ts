import axios, { AxiosError, type AxiosInstance } from "axios";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { z } from "zod";
import type { OvocSettings } from "./config.ts";

/** Makes sites in OVOC, one per customer, by name. */
export interface OvocClient {
  /** Looks the site up and creates it where it is missing; safe to repeat. Throws an Error that says what came back. */
  ensureSite(siteName: string, signal: AbortSignal): Promise<"created" | "present">;
  close(): void;
}

const siteList = z.object({ sites: z.array(z.object({ name: z.string() })).default([]) });
const refusal = z.object({ description: z.string() });

function fillBody(template: unknown, siteName: string): unknown {
  if (typeof template === "string") return template.replaceAll("{{siteName}}", siteName);
  if (Array.isArray(template)) return template.map((item) => fillBody(item, siteName));
  if (typeof template === "object" && template !== null)
    return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillBody(value, siteName)]));
  return template;
}

/** `ca`: PEM of the authority that signed OVOC's certificate, where it is none of the system's. */
export function openOvoc(settings: OvocSettings, password: string, ca: string | undefined): OvocClient {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) });
  const http: AxiosInstance = axios.create({
    baseURL: settings.url,
    auth: { username: settings.user, password },
    timeout: settings.requestMs,
    maxRedirects: 0,
    maxContentLength: 4 * 1024 * 1024,
    proxy: false,
    httpAgent,
    httpsAgent,
    validateStatus: () => true,
  });

  async function ask(
    method: "get" | "post",
    signal: AbortSignal,
    body?: unknown,
    siteName?: string,
  ): Promise<{ status: number; data: unknown }> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(settings.requestMs)]);
    try {
      const params = siteName === undefined ? {} : { detail: 1, filter: `(name='${siteName}')` };
      const { status, data } = await http.request<unknown>({
        method,
        url: settings.sitesPath,
        data: body,
        params,
        signal: deadline,
      });
      return { status, data };
    } catch (error) {
      // The error of axios carries the credentials.
      throw new Error(
        `OVOC ${settings.url} did not answer ${method.toUpperCase()} ${settings.sitesPath} (${error instanceof AxiosError ? (error.code ?? "no code") : "aborted"})`,
      );
    }
  }

  async function find(siteName: string, signal: AbortSignal): Promise<boolean> {
    const { status, data } = await ask("get", signal, undefined, siteName);
    if (status === 204) return false;
    if (status !== 200) throw new Error(`OVOC ${settings.url} answered ${status} to the search for site '${siteName}'`);
    const list = siteList.safeParse(data === "" ? {} : data);
    if (!list.success)
      throw new Error(
        `OVOC ${settings.url} answered the search for site '${siteName}' with something else than a list of sites`,
      );
    return list.data.sites.some(({ name }) => name === siteName);
  }

  return {
    async ensureSite(siteName, signal) {
      if (await find(siteName, signal)) return "present";
      const { status, data } = await ask("post", signal, fillBody(settings.siteBody, siteName));
      if (status === 200 || status === 201) return "created";
      // Somebody else, or our own lost answer, was faster.
      if (status === 400 && (await find(siteName, signal))) return "present";
      const words = refusal.safeParse(data);
      throw new Error(
        `OVOC ${settings.url} answered ${status} to the creation of site '${siteName}'${words.success ? `: ${words.data.description}` : ""}`,
      );
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

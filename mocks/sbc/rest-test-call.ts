import type { Device } from "./device.ts";
import type { RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { isFirmwareAtLeast, readJson } from "./rest-route.ts";

const longest: Readonly<Record<string, number>> = { callingNumber: 61, destAddress: 50, playDtmfString: 16 };
const text = (value: unknown) => (typeof value === "string" ? value : "");
const refuse = (status: number, errorDescription: string): RestAnswer => ({ status, json: { errorDescription } });

/** `/sipTestCall`, from 7.40A.600 on. Its errors say `errorDescription`. Calls connect at once. */
export function testCallRoutes(device: Device): Route[] {
  if (!isFirmwareAtLeast(device, "7.40A.600")) return [];
  const calls = new Map<string, Readonly<Record<string, unknown>>>();
  let dialled = 0;

  function dial(request: RestRequest): RestAnswer {
    const body = readJson(request.body);
    if (body === undefined) return refuse(400, "Invalid body");
    for (const field of ["calledNumber", "callingNumber"]) {
      if (text(body[field]) === "") return refuse(400, `${field} is missing`);
    }
    const tooLong = Object.entries(longest).find(([field, length]) => text(body[field]).length > length);
    if (tooLong !== undefined) return refuse(400, `${tooLong[0]} is too long`);
    if (text(body["destAddress"]) === "" && text(body["destIpGroup"]) === "") {
      return refuse(400, "destAddress or destIpGroup is missing");
    }
    dialled += 1;
    const sessionId = String(dialled);
    calls.set(sessionId, body);
    return { status: 200, json: { sessionId } };
  }

  function withCall(request: RestRequest, use: (sessionId: string) => RestAnswer): RestAnswer {
    const sessionId = request.query.get("sessionId");
    if (sessionId === null || sessionId === "") return refuse(400, "sessionId is missing");
    return calls.has(sessionId) ? use(sessionId) : refuse(404, "Unknown sessionId");
  }

  function drop(request: RestRequest): RestAnswer {
    return withCall(request, (sessionId) => {
      calls.delete(sessionId);
      return { status: 200, json: { sessionId } };
    });
  }

  function show(request: RestRequest): RestAnswer {
    if (!request.query.has("sessionId")) {
      return { status: 200, json: { items: [...calls].map(([sessionId, call]) => ({ sessionId, ...call })) } };
    }
    return withCall(request, (sessionId) => ({ status: 200, json: { sessionId, ...calls.get(sessionId) } }));
  }

  const status = (sessionId: string): RestAnswer => ({
    status: 200,
    json: { callStatus: "Connected", callId: `${sessionId}@device.invalid` },
  });
  return [
    { path: "sipTestCall/dial", methods: { POST: { level: "monitor", handle: dial } } },
    {
      path: "sipTestCall/getStatus",
      methods: { GET: { level: "monitor", handle: (request) => withCall(request, status) } },
    },
    { path: "sipTestCall/show", methods: { GET: { level: "monitor", handle: show } } },
    { path: "sipTestCall/drop", methods: { DELETE: { level: "monitor", handle: drop } } },
  ];
}

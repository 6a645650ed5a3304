import type { Driver, DriverOptions } from "../../drivers/driver.ts";
import type { Generation } from "./generations.ts";
import { iniHead, iniTable, namedTable } from "./generations.ts";

/** Rows by INI table name, each with its INI columns. */
export type DeviceRows = Readonly<
  Record<string, readonly { index: number; active: boolean; fields: Readonly<Record<string, string>> }[]>
>;

/** What the device really holds, seen past the driver. */
export interface DeviceState {
  serialNumber: string;
  running: DeviceRows;
  startup: DeviceRows;
  saveNeeded: boolean;
}

/** Trouble that any device can make, whatever way it is reached. */
export type ContractFault =
  /** It cannot take writes now. */
  | { kind: "busy" }
  /** It refuses the first line that holds the text, and says so in the given words. */
  | { kind: "refused line"; match: string; words: string }
  /** It never answers a write. */
  | { kind: "silent" }
  /** It does the next write and then drops the connection. */
  | { kind: "lost answer" }
  /** Its next reads of the configuration end in the middle, though they look whole. */
  | { kind: "cut read" }
  /** It refuses all log-ins. */
  | { kind: "refused log-in" };

/** A mock device with a way to it. */
export interface DriverEnvironment {
  /** Opens a driver with a log-in that works. */
  open(more?: Partial<DriverOptions>): Driver;
  state(): Promise<DeviceState>;
  /** Runs lines as another administrator would, refused or not. */
  edit(lines: readonly string[]): Promise<void>;
  fault(fault: ContractFault): Promise<void>;
  /** Log-ins that failed so far. */
  failedLogIns(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * What a device of a generation starts from, in that generation's own columns and style: one SRD, SIP Interface and
 * realm, one Proxy Set with two addresses that stand out of order, one IP Group.
 */
export function startingIni(generation: Generation): string {
  const style = { longFormat: generation.longFormat, lineEnd: "\r\n" } as const;
  return [
    iniHead(generation, style),
    namedTable(
      "CpMediaRealm",
      ["MediaRealmName", "IPv4IF", "PortRangeStart", "MediaSessionLeg", "PortRangeEnd", "IsDefault"],
      [[0, ['"MR_WAN"', '"eth2"', "6000", "100", "6399", "1"]]],
      style,
    ),
    namedTable("SRD", ["Name"], [[0, ['"DefaultSRD"']]], style),
    namedTable(
      "SIPInterface",
      ["InterfaceName", "NetworkInterface", "ApplicationType", "UDPPort", "TCPPort", "TLSPort", "SRDName"],
      [[1, ['"SIF_Teams"', '"eth2"', "2", "0", "0", "5061", '"DefaultSRD"']]],
      style,
    ),
    iniTable(
      generation,
      "ProxySet",
      [
        [
          1,
          {
            ProxyName: '"Teams-OC"',
            EnableProxyKeepAlive: "1",
            ProxyLoadBalancingMethod: "2",
            SBCIPv4SIPInterfaceName: '"SIF_Teams"',
          },
        ],
      ],
      style,
    ),
    iniTable(
      generation,
      "IPGroup",
      [[1, { Name: '"Teams-OC"', ProxySetName: '"Teams-OC"', ClassifyByProxySet: "0", Tags: '"a=1;b"' }]],
      style,
    ),
    iniTable(
      generation,
      "ProxyIp",
      [
        [
          0,
          {
            ProxySetId: '"1"',
            ProxyIpIndex: "1",
            IpAddress: '"sip2.example:5061"',
            TransportType: "2",
            Priority: "2",
            Weight: "1",
          },
        ],
        [
          3,
          {
            ProxySetId: '"1"',
            ProxyIpIndex: "0",
            IpAddress: '"sip.example:5061"',
            TransportType: "2",
            Priority: "1",
            Weight: "1",
          },
        ],
      ],
      style,
    ),
  ].join("");
}

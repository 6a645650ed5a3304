import type { Driver, DriverOptions } from "../../drivers/driver.ts";

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

/** What the device starts from: one SRD, SIP Interface and realm, one Proxy Set with two addresses, one IP Group. */
export const startingIni = `;Board: Mediant VE SBC
;Serial Number: 123456789
;Software Version: 7.40A.250.440

[ CpMediaRealm ]
FORMAT Index = MediaRealmName, IPv4IF, PortRangeStart, MediaSessionLeg, PortRangeEnd, IsDefault;
CpMediaRealm 0 = "MR_WAN", "eth2", 6000, 100, 6399, 1;
[ \\CpMediaRealm ]
[ SRD ]
FORMAT Index = Name;
SRD 0 = "DefaultSRD";
[ \\SRD ]
[ SIPInterface ]
FORMAT Index = InterfaceName, NetworkInterface, ApplicationType, UDPPort, TCPPort, TLSPort, SRDName;
SIPInterface 1 = "SIF_Teams", "eth2", 2, 0, 0, 5061, "DefaultSRD";
[ \\SIPInterface ]
[ ProxySet ]
FORMAT Index = ProxyName, EnableProxyKeepAlive, ProxyLoadBalancingMethod, SRDName, SBCIPv4SIPInterfaceName;
ProxySet 1 = "Teams-OC", 1, 2, "DefaultSRD", "SIF_Teams";
[ \\ProxySet ]
[ IPGroup ]
FORMAT Index = Name, ProxySetName, SRDName, ClassifyByProxySet, Tags;
IPGroup 1 = "Teams-OC", "Teams-OC", "DefaultSRD", 0, "a=1;b";
[ \\IPGroup ]
[ ProxyIp ]
FORMAT Index = ProxySetId, ProxyIpIndex, IpAddress, TransportType, Priority, Weight;
ProxyIp 0 = "1", 1, "sip2.example:5061", 2, 2, 1;
ProxyIp 3 = "1", 0, "sip.example:5061", 2, 1, 1;
[ \\ProxyIp ]
`;

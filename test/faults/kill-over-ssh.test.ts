import { describeKills } from "./kill-matrix.ts";

describeKills("ssh");

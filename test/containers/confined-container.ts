import { GenericContainer, Wait } from "testcontainers";

/** A container as docs/deploy.md has it: a root that cannot be written, and no privilege to be had. */
export class ConfinedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    // The image's own check, at a test's pace; in nanoseconds.
    this.createOpts.Healthcheck = { Interval: 1_000_000_000 };
    this.withDroppedCapabilities("ALL").withSecurityOpt("no-new-privileges").withWaitStrategy(Wait.forHealthCheck());
  }
}

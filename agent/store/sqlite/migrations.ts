/**
 * The schema, one step a version. A step that was released is never changed; a new version is a new step at the end.
 *
 * The guards that must hold even if the code is wrong are here: one customer and one running conversion a tenant; one
 * holder of a name on a device (every ready conversion and every link points to the row of its name, which belongs to
 * one tenant); one link of a name; an audit trail that only grows.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE leads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL UNIQUE CHECK (tenant_id = lower(tenant_id)),
    company_name TEXT NOT NULL,
    company_key TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    consentless INTEGER NOT NULL CHECK (consentless IN (0, 1)),
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    ump_customer_guid TEXT
  ) STRICT;

  CREATE TABLE customers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL UNIQUE CHECK (tenant_id = lower(tenant_id)),
    short_name TEXT NOT NULL,
    full_name TEXT NOT NULL,
    converted_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE names (
    device TEXT NOT NULL,
    name TEXT NOT NULL CHECK (name = lower(name)),
    tenant_id TEXT NOT NULL,
    short_name TEXT NOT NULL,
    PRIMARY KEY (device, name),
    UNIQUE (device, name, tenant_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE links (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_guid TEXT NOT NULL REFERENCES customers (guid),
    tenant_id TEXT NOT NULL,
    short_name TEXT NOT NULL,
    device TEXT NOT NULL,
    held_name TEXT NOT NULL CHECK (held_name = lower(short_name)),
    gateway TEXT NOT NULL,
    intent TEXT NOT NULL,
    variables TEXT NOT NULL,
    proxy_set TEXT NOT NULL,
    full_name TEXT NOT NULL,
    secret_hashes TEXT NOT NULL,
    secrets TEXT,
    linked_at INTEGER NOT NULL,
    UNIQUE (customer_guid, device),
    UNIQUE (device, held_name),
    FOREIGN KEY (device, held_name, tenant_id) REFERENCES names (device, name, tenant_id)
  ) STRICT;

  CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('InProgress', 'CompletedSuccess', 'CompletedFailed')),
    details TEXT NOT NULL,
    messages TEXT NOT NULL,
    ump_customer_guid TEXT,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE conversions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL UNIQUE REFERENCES tasks (id),
    tenant_id TEXT NOT NULL CHECK (tenant_id = lower(tenant_id)),
    customer_guid TEXT NOT NULL UNIQUE,
    variant TEXT NOT NULL CHECK (variant IN ('ip-group', 'tenant')),
    short_name TEXT NOT NULL,
    full_name TEXT NOT NULL,
    gateway TEXT,
    proxy_set TEXT,
    variables TEXT NOT NULL,
    secrets TEXT,
    device TEXT,
    arrival INTEGER,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'unplaced', 'ready', 'site', 'ended')),
    held_name TEXT,
    accepted_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1)),
    fence INTEGER,
    completion TEXT,
    ended_at INTEGER,
    CHECK (state <> 'ready' OR (device IS NOT NULL AND arrival IS NOT NULL AND held_name IS lower(short_name))),
    CHECK (state = 'ready' OR fence IS NULL),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK (state <> 'ended' OR (secrets IS NULL AND held_name IS NULL)),
    FOREIGN KEY (device, held_name, tenant_id) REFERENCES names (device, name, tenant_id)
  ) STRICT;
  CREATE UNIQUE INDEX conversions_running ON conversions (tenant_id) WHERE state IN ('unplaced', 'ready', 'site');
  CREATE UNIQUE INDEX conversions_ready ON conversions (device, held_name) WHERE held_name IS NOT NULL;
  CREATE INDEX conversions_open ON conversions (tenant_id, seq) WHERE state <> 'ended';
  CREATE INDEX conversions_by_device ON conversions (device, state, seq) WHERE state <> 'ended';
  CREATE INDEX conversions_site ON conversions (seq) WHERE state = 'site';
  CREATE INDEX conversions_unplaced ON conversions (gateway, seq) WHERE state = 'unplaced';
  CREATE INDEX conversions_ended ON conversions (ended_at) WHERE state = 'ended';

  CREATE TABLE leases (
    device TEXT PRIMARY KEY,
    fence INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held IN (0, 1)),
    holder TEXT NOT NULL,
    renewed_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    grace_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE announced_devices (
    device TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    identity TEXT NOT NULL,
    version TEXT NOT NULL,
    heard_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE announced_gateways (
    gateway TEXT PRIMARY KEY CHECK (gateway = lower(gateway)),
    device TEXT NOT NULL REFERENCES announced_devices (device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX announced_gateways_by_device ON announced_gateways (device);

  CREATE TABLE standstills (device TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE run_records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    device TEXT NOT NULL,
    fence INTEGER NOT NULL,
    serial_number TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('written', 'saved', 'abandoned')),
    task_ids TEXT NOT NULL,
    creates TEXT NOT NULL,
    changes TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    saved_at INTEGER,
    CHECK ((state = 'saved') = (saved_at IS NOT NULL))
  ) STRICT;
  CREATE INDEX run_records_unresolved ON run_records (device, seq) WHERE state <> 'saved';
  CREATE INDEX run_records_saved ON run_records (saved_at) WHERE state = 'saved';

  CREATE TABLE unreported_tasks (task_id TEXT PRIMARY KEY, device TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE logins (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    credential_hash TEXT NOT NULL,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    UNIQUE (device, credential_hash)
  ) STRICT;

  CREATE TABLE pauses (
    device TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    device TEXT,
    task_id TEXT,
    who TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_by_device ON audit (device, seq) WHERE device IS NOT NULL;
  CREATE INDEX audit_by_task ON audit (task_id, seq) WHERE task_id IS NOT NULL;
  CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
  CREATE TRIGGER audit_keeps_words BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
  `,
  `
  CREATE TABLE amendments (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    kind TEXT NOT NULL CHECK (kind IN ('change', 'removal')),
    customer_guid TEXT NOT NULL,
    tenant_id TEXT NOT NULL CHECK (tenant_id = lower(tenant_id)),
    short_name TEXT NOT NULL,
    device TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    change TEXT,
    secrets TEXT,
    link TEXT,
    state TEXT NOT NULL CHECK (state IN ('ready', 'owed', 'ended')),
    arrival INTEGER,
    accepted_at INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1)),
    fence INTEGER,
    completion TEXT,
    failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
    ended_at INTEGER,
    UNIQUE (task_id, device),
    CHECK ((kind = 'change') = (change IS NOT NULL)),
    CHECK (state <> 'owed' OR (kind = 'removal' AND link IS NOT NULL)),
    CHECK (state <> 'ended' OR secrets IS NULL),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL))
  ) STRICT;
  CREATE INDEX amendments_open ON amendments (device, seq) WHERE state <> 'ended';
  CREATE INDEX amendments_by_customer ON amendments (customer_guid, seq) WHERE state <> 'ended';
  CREATE UNIQUE INDEX amendments_removing ON amendments (customer_guid, device)
    WHERE kind = 'removal' AND state <> 'ended';
  CREATE INDEX amendments_ended ON amendments (ended_at) WHERE state = 'ended';

  CREATE TABLE made_proxy_sets (
    device TEXT NOT NULL,
    name TEXT NOT NULL,
    row_index INTEGER NOT NULL,
    serial_number TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (device, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE unreported_tasks_by_device (
    task_id TEXT NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY (task_id, device)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO unreported_tasks_by_device (task_id, device) SELECT task_id, device FROM unreported_tasks;
  DROP TABLE unreported_tasks;
  ALTER TABLE unreported_tasks_by_device RENAME TO unreported_tasks;

  CREATE TABLE device_lives (
    device TEXT PRIMARY KEY,
    serial_number TEXT NOT NULL,
    up_time INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    check_due INTEGER NOT NULL DEFAULT 0 CHECK (check_due IN (0, 1))
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE drift_checks (
    device TEXT PRIMARY KEY,
    checked_at INTEGER NOT NULL,
    report TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE logins ADD COLUMN unended INTEGER NOT NULL DEFAULT 0 CHECK (unended >= 0);
  ALTER TABLE logins ADD COLUMN begun_at INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE audit ADD COLUMN previous TEXT;
  ALTER TABLE audit ADD COLUMN hash TEXT;
  `,
  `
  ALTER TABLE drift_checks ADD COLUMN updated_at INTEGER;

  CREATE TABLE audit_tasks (
    task_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (task_id, seq)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO audit_tasks (task_id, seq)
    SELECT task_id, seq FROM audit WHERE task_id IS NOT NULL
    UNION SELECT task.value, audit.seq
      FROM audit, json_each(iif(json_valid(audit.data), audit.data, '{}'), '$.taskIds') AS task
      WHERE task.type = 'text';
  DROP INDEX audit_by_task;
  `,
];

import type { Migration } from '../migration.ts';

/**
 * Moments are microseconds since the Unix epoch. A deleted batch stays as a row with `deleted_at_us`: its place in the
 * order of creation is needed for as long as somebody may page from it. `tallies` is kept by triggers, so that neither
 * a quota nor `/metrics` ever counts rows.
 */
export const firstSchema: Migration = {
  version: 1,
  name: 'first schema',
  sql: `
CREATE TABLE organization (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL
) STRICT;

CREATE TABLE workspaces (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  created_at_us INTEGER NOT NULL,
  is_default INTEGER NOT NULL CHECK (is_default IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX workspaces_default ON workspaces (is_default) WHERE is_default = 1;

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  name TEXT NOT NULL,
  hint TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
  created_at_us INTEGER NOT NULL,
  expires_at_us INTEGER,
  revoked_at_us INTEGER
) STRICT;

CREATE TABLE batches (
  id TEXT PRIMARY KEY NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  status TEXT NOT NULL CHECK (status IN ('in_progress', 'canceling', 'ended')),
  created_at_us INTEGER NOT NULL UNIQUE,
  expires_at_us INTEGER NOT NULL CHECK (expires_at_us = created_at_us + 86400000000),
  cancel_initiated_at_us INTEGER,
  ended_at_us INTEGER,
  archived_at_us INTEGER,
  request_count INTEGER NOT NULL CHECK (request_count > 0),
  processing INTEGER NOT NULL CHECK (processing >= 0),
  succeeded INTEGER NOT NULL CHECK (succeeded >= 0),
  errored INTEGER NOT NULL CHECK (errored >= 0),
  canceled INTEGER NOT NULL CHECK (canceled >= 0),
  expired INTEGER NOT NULL CHECK (expired >= 0),
  api_version TEXT NOT NULL,
  betas TEXT NOT NULL CHECK (json_type(betas) = 'array'),
  user_profile_id TEXT,
  options TEXT NOT NULL CHECK (json_type(options) = 'object'),
  deleted_at_us INTEGER,
  segments_forgotten INTEGER NOT NULL DEFAULT 0 CHECK (segments_forgotten IN (0, 1)),
  CHECK (processing + succeeded + errored + canceled + expired = request_count),
  CHECK ((status = 'ended') = (ended_at_us IS NOT NULL)),
  CHECK (status <> 'ended' OR processing = 0),
  CHECK (status <> 'canceling' OR cancel_initiated_at_us IS NOT NULL),
  CHECK (status <> 'in_progress' OR cancel_initiated_at_us IS NULL),
  CHECK (archived_at_us IS NULL OR status = 'ended'),
  CHECK (deleted_at_us IS NULL OR status = 'ended'),
  CHECK (segments_forgotten = 0 OR deleted_at_us IS NOT NULL)
) STRICT;
CREATE INDEX batches_listed ON batches (workspace_id, created_at_us) WHERE deleted_at_us IS NULL;
CREATE INDEX batches_unarchived ON batches (created_at_us) WHERE archived_at_us IS NULL AND deleted_at_us IS NULL;
CREATE INDEX batches_deleted ON batches (created_at_us) WHERE deleted_at_us IS NOT NULL AND segments_forgotten = 0;

CREATE TABLE shards (
  batch_id TEXT NOT NULL REFERENCES batches (id),
  shard INTEGER NOT NULL CHECK (shard >= 0),
  epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  node TEXT,
  lease_until_us INTEGER NOT NULL DEFAULT 0,
  expires_at_us INTEGER NOT NULL,
  is_open INTEGER NOT NULL DEFAULT 1 CHECK (is_open IN (0, 1)),
  PRIMARY KEY (batch_id, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX shards_claimable ON shards (expires_at_us, shard, lease_until_us) WHERE is_open = 1;

CREATE TABLE tallies (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  state TEXT NOT NULL CHECK (state IN ('in_progress', 'canceling', 'ended', 'archived')),
  batches INTEGER NOT NULL DEFAULT 0 CHECK (batches >= 0),
  processing INTEGER NOT NULL DEFAULT 0 CHECK (processing >= 0),
  succeeded INTEGER NOT NULL DEFAULT 0 CHECK (succeeded >= 0),
  errored INTEGER NOT NULL DEFAULT 0 CHECK (errored >= 0),
  canceled INTEGER NOT NULL DEFAULT 0 CHECK (canceled >= 0),
  expired INTEGER NOT NULL DEFAULT 0 CHECK (expired >= 0),
  PRIMARY KEY (workspace_id, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER workspaces_tallied AFTER INSERT ON workspaces BEGIN
  INSERT INTO tallies (workspace_id, state)
  VALUES (NEW.id, 'in_progress'), (NEW.id, 'canceling'), (NEW.id, 'ended'), (NEW.id, 'archived');
END;

CREATE TRIGGER batches_tallied_on_insert AFTER INSERT ON batches BEGIN
  UPDATE tallies SET batches = batches + 1, processing = processing + NEW.processing
  WHERE workspace_id = NEW.workspace_id AND state = NEW.status;
END;

CREATE TRIGGER batches_tallied_on_update AFTER UPDATE ON batches BEGIN
  UPDATE tallies SET
    batches = batches - 1,
    processing = processing - OLD.processing,
    succeeded = succeeded - OLD.succeeded,
    errored = errored - OLD.errored,
    canceled = canceled - OLD.canceled,
    expired = expired - OLD.expired
  WHERE workspace_id = OLD.workspace_id AND OLD.deleted_at_us IS NULL
    AND state = iif(OLD.archived_at_us IS NULL, OLD.status, 'archived');
  UPDATE tallies SET
    batches = batches + 1,
    processing = processing + NEW.processing,
    succeeded = succeeded + NEW.succeeded,
    errored = errored + NEW.errored,
    canceled = canceled + NEW.canceled,
    expired = expired + NEW.expired
  WHERE workspace_id = NEW.workspace_id AND NEW.deleted_at_us IS NULL
    AND state = iif(NEW.archived_at_us IS NULL, NEW.status, 'archived');
END;
`,
};

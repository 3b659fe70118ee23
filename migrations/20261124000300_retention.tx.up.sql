-- The base snapshot is what retention has trimmed from the front of the audit
-- log: of each level the last entry that is gone, and as taken_at the horizon,
-- the latest moment of any that is. There is at most one.
ALTER TABLE snapshots ADD COLUMN IF NOT EXISTS is_base boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX IF NOT EXISTS snapshots_base ON snapshots (is_base) WHERE is_base;

-- By which a snapshot's levels are found when it goes.
CREATE INDEX IF NOT EXISTS snapshot_levels_snapshot ON snapshot_levels (snapshot_id);

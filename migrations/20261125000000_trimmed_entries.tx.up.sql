-- Up to which id audit entries may have been deleted. Whoever follows the log
-- and has come less far would miss some.
ALTER TABLE snapshots ADD COLUMN last_entry bigint;

-- What was deleted before is of moments up to taken_at, and entries lie in another
-- order than their moments by as much as a transaction lasts.
UPDATE snapshots SET last_entry = holdfast_entry_at(taken_at + interval '1 minute') - 1 WHERE is_base;

-- A trigger, so that it holds for whoever deletes entries: servers of the version
-- before as well.
CREATE FUNCTION holdfast_trimmed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE snapshots SET last_entry = greatest(last_entry, (SELECT max(id) FROM deleted))
    WHERE is_base AND EXISTS (SELECT FROM deleted);
    RETURN NULL;
END
$$;

CREATE TRIGGER audit_log_trimmed AFTER DELETE ON audit_log
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION holdfast_trimmed();

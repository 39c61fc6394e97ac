"""The catalogue's tables, as numbered migrations: applied once, each in a transaction.

A released migration is never edited; a change is a new function at the end.
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("seeing")


@migrations(name="0001_tables")
def tables(database: Database) -> None:
    """Make the tables of the first version."""
    for statement in _TABLES.split(";\n\n"):
        database.execute(statement)


@migrations(name="0002_flags_in_ranking")
def flags_in_ranking(database: Database) -> None:
    """Show the flags of frames in the view `ranking`, and flagged ones after all good ones."""
    database.execute("DROP VIEW ranking")
    database.execute(_RANKING)


_TABLES = """
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,   -- os.fsencode; relative to the library's folder where below it
    path_text TEXT NOT NULL,     -- the same, readable
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    digest TEXT,                 -- BLAKE2b-128 of the content; NULL where it could not be read
    kind TEXT,                   -- JPEG, PNG, FITS, ...
    frames INTEGER NOT NULL DEFAULT 1,
    header TEXT,                 -- EXIF or FITS cards, JSON
    state TEXT NOT NULL CHECK (state IN ('present', 'vanished', 'unreadable')),
    error TEXT,
    seen_at TEXT NOT NULL        -- UTC
) STRICT;

CREATE INDEX sources_digest ON sources (digest);

CREATE INDEX sources_state ON sources (state) WHERE state <> 'present';

CREATE TABLE items (
    id INTEGER PRIMARY KEY,      -- 63 bits of the content's digest: the same on every machine
    content INTEGER NOT NULL,    -- as id, but the same for copies: what labels follow
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    frame INTEGER,               -- counted from 0; NULL: the file is the picture
    part TEXT,                   -- FITS extension; NULL: the first image
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    depth INTEGER NOT NULL,      -- bits per sample
    taken_at TEXT,
    ra REAL,                     -- degrees, ICRS
    dec REAL,
    field_deg REAL,              -- diagonal on the sky
    hpx29 INTEGER,               -- HEALPix cell, order 29, nested
    crc32 INTEGER                -- of a frame's own samples
) STRICT;

CREATE INDEX items_source ON items (source);

CREATE INDEX items_content ON items (content);

CREATE TABLE encoders (
    id INTEGER PRIMARY KEY,      -- the number in vectors/ and index/
    identity TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    card TEXT NOT NULL,          -- JSON
    is_default INTEGER NOT NULL DEFAULT 0,
    file TEXT NOT NULL,          -- in vectors/
    rows INTEGER NOT NULL DEFAULT 0,        -- rows of that file that count; behind them is unused
    generation INTEGER NOT NULL DEFAULT 0,  -- grows when the set of searchable vectors changes
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE vectors (
    item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    encoder INTEGER NOT NULL REFERENCES encoders (id) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    PRIMARY KEY (item, encoder)
) STRICT, WITHOUT ROWID;

CREATE TABLE indexes (
    encoder INTEGER PRIMARY KEY REFERENCES encoders (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    file TEXT NOT NULL,          -- in index/
    made_from INTEGER NOT NULL,  -- the encoder's generation
    n INTEGER NOT NULL,
    size INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    made_at TEXT NOT NULL
) STRICT;

CREATE TABLE similarities (
    encoder INTEGER PRIMARY KEY REFERENCES encoders (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,          -- searchable vectors when this was measured
    made_from INTEGER NOT NULL,  -- crc32 of their ids, sorted
    close REAL,                  -- 1 % quantile of nearest-other similarities; NULL below 50 items
    quantiles TEXT NOT NULL,     -- of the similarity of random pairs, at 0, 0.1, ... 100 %, JSON
    made_at TEXT NOT NULL
) STRICT;

CREATE TABLE scorers (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    parameters TEXT NOT NULL,    -- JSON
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE scores (
    scorer INTEGER NOT NULL REFERENCES scorers (id) ON DELETE CASCADE,
    item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    value REAL NOT NULL,
    detail TEXT,                 -- JSON
    PRIMARY KEY (scorer, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE exemplar_sets (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    question TEXT NOT NULL,
    answers TEXT NOT NULL,       -- JSON
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE label_events (
    id INTEGER PRIMARY KEY,
    exemplar_set INTEGER NOT NULL REFERENCES exemplar_sets (id),
    content INTEGER NOT NULL,    -- items.content; no reference: a label outlives its file
    answer TEXT,                 -- NULL takes the label back
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    origin TEXT NOT NULL         -- JSON: from where, which encoder and scorer were shown
) STRICT;

CREATE INDEX label_events_content ON label_events (content, exemplar_set);

CREATE TABLE models (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    file TEXT NOT NULL,
    card TEXT NOT NULL,          -- JSON
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seconds REAL NOT NULL,
    items INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    detail TEXT                  -- JSON
) STRICT;

CREATE VIEW labels AS
SELECT exemplar_sets.name AS exemplar_set, items.id AS item, latest.who, latest.answer, latest.at
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY exemplar_set, content, who ORDER BY id DESC
    ) AS age FROM label_events
) AS latest
JOIN exemplar_sets ON exemplar_sets.id = latest.exemplar_set
JOIN items ON items.content = latest.content
WHERE latest.age = 1 AND latest.answer IS NOT NULL;

CREATE VIEW pictures AS
SELECT
    items.id,
    sources.path_text || CASE
        WHEN items.frame IS NOT NULL THEN '#' || items.frame
        WHEN items.part IS NOT NULL THEN '[' || items.part || ']' ELSE '' END AS item,
    sources.path_text AS path,
    items.frame, items.part, sources.kind, items.width, items.height, items.depth,
    items.taken_at, items.ra, items.dec, items.field_deg, sources.size,
    strftime('%Y-%m-%dT%H:%M:%SZ', sources.mtime_ns / 1000000000, 'unixepoch') AS modified_at,
    sources.state, sources.digest, items.content
FROM items JOIN sources ON sources.id = items.source;

CREATE VIEW ranking AS
SELECT
    scorers.name AS scorer, scorers.identity,
    rank() OVER (PARTITION BY scorers.id ORDER BY scores.value DESC) AS rank,
    pictures.item, scores.value AS score, scores.detail
FROM scores
JOIN scorers ON scorers.id = scores.scorer
JOIN pictures ON pictures.id = scores.item
WHERE pictures.state = 'present'
"""

_RANKING = """
CREATE VIEW ranking AS
SELECT
    scorers.name AS scorer, scorers.identity,
    rank() OVER (
        PARTITION BY scorers.id
        ORDER BY json_extract(scores.detail, '$.flags') IS NOT NULL, scores.value DESC
    ) AS rank,
    pictures.item, scores.value AS score,
    json_extract(scores.detail, '$.flags') AS flags, -- of a frame; NULL: none
    scores.detail
FROM scores
JOIN scorers ON scorers.id = scores.scorer
JOIN pictures ON pictures.id = scores.item
WHERE pictures.state = 'present'
"""


@migrations(name="0003_exemplars")
def exemplars(database: Database) -> None:
    """Let sets have kinds and be put away, and label events a name of their own."""
    for statement in _EXEMPLARS.split(";\n\n"):
        database.execute(statement)


_EXEMPLARS = """
ALTER TABLE exemplar_sets ADD COLUMN kind TEXT NOT NULL DEFAULT 'classes'
    CHECK (kind IN ('keep', 'classes', 'rating'));

ALTER TABLE exemplar_sets ADD COLUMN removed_at TEXT /* put away: its events stay */;

ALTER TABLE label_events ADD COLUMN name TEXT /* the same in every library it comes to */;

UPDATE label_events SET name = printf('%012d-', id) || lower(hex(randomblob(8)));

CREATE UNIQUE INDEX label_events_name ON label_events (name);

CREATE INDEX label_events_set ON label_events (exemplar_set, content);

CREATE INDEX label_events_who ON label_events (exemplar_set, who, at);

CREATE TRIGGER label_events_once BEFORE INSERT ON label_events
WHEN EXISTS (SELECT 1 FROM label_events WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(IGNORE) /* REPLACE would delete the old one, unseen by other triggers */; END;

CREATE TRIGGER label_events_stay BEFORE UPDATE ON label_events
BEGIN SELECT RAISE(ABORT, 'label events are never changed'); END;

CREATE TRIGGER label_events_last BEFORE DELETE ON label_events
BEGIN SELECT RAISE(ABORT, 'label events are never deleted'); END;

DROP VIEW labels;

CREATE VIEW current_labels AS
SELECT exemplar_set, content, who, answer, at, id AS event
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY exemplar_set, content, who ORDER BY at DESC, name DESC, id DESC
    ) AS age FROM label_events WHERE answer IS NULL OR answer <> 'skip'
)
WHERE age = 1 AND answer IS NOT NULL;

CREATE VIEW labels AS
SELECT exemplar_sets.name AS exemplar_set, items.id AS item, who, answer, at
FROM current_labels
JOIN exemplar_sets ON exemplar_sets.id = current_labels.exemplar_set
JOIN items ON items.content = current_labels.content
WHERE removed_at IS NULL
"""

// Schema of hand-overs between hubs: where a unit came from. Its documents wait while it has no node here yet.
export const handover = `
ALTER TABLE units ADD COLUMN moved_from TEXT NOT NULL DEFAULT '';
`;

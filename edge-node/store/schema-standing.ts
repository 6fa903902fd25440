// Index of arrivals by what the unit did with them: the list "chờ tiếp nhận" and its count on the first screen.
export const standingSchema = `
CREATE INDEX received_standing ON received (unit, code, inbox_seq);
`;

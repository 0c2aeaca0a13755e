// A source besides, which does not have SLABPROOF_SUBJECT(Segments).
int segments_given = 0;

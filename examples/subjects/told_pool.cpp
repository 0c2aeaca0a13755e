// What finds wrong frees and reports them.
#include "broken/told_pool.hpp"

SLABPROOF_SUBJECT(ToldPool<slabproof::DetectedMisuse::By::Report, ToldPoolMistake::None>);

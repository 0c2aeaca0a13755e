#include "broken/told_pool.hpp"

SLABPROOF_SUBJECT(ToldPool<slabproof::DetectedMisuse::By::Exception, ToldPoolMistake::FreesTwice>);

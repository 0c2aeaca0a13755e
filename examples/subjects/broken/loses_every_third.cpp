#include "broken/pool.hpp"

SLABPROOF_SUBJECT(Pool<PoolMistake::LosesEveryThird>);

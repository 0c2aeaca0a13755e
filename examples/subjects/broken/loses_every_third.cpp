#include "broken/pool.hpp"

SLABPROOF_SUBJECT(FixedPool<PoolMistake::LosesEveryThird>);

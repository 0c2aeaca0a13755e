#include "broken/heap.hpp"

SLABPROOF_SUBJECT(Heap<HeapMistake::LowersAlignment>);

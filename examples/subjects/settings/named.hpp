#pragma once

#include <slabproof/subject.hpp>

// That a file names a subject need not be seen in it.
#define JUDGED(...) SLABPROOF_SUBJECT(__VA_ARGS__)

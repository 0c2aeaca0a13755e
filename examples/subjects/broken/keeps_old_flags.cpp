#include "tlsf/tlsf.hpp"

SLABPROOF_SUBJECT(Tlsf<TlsfMistake::KeepsOldFlags>);

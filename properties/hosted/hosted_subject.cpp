#include "properties/hosted/hosted_subject.hpp"

// Not a power of two, so that the last blocks have no other half.
SLABPROOF_SUBJECT(slabproof::hosted::HostedSubject<261>);

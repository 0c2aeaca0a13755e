// Small enough for the explorer: docs/hosted.md.
#include "properties/hosted/hosted_subject.hpp"

SLABPROOF_SUBJECT(slabproof::hosted::HostedSubject<5>);

#pragma once

#include "model/subject/subject.hpp"

namespace slabproof {

/// The slab cache as a subject: the DynamicCache, or the Cache of model/program/static_caches.hpp, with the
/// row and the policy that `spec` asks for.
AnySubject* make_slab_subject(void* storage, const CacheSpec& spec, RecordingBackend& backend);

}  // namespace slabproof

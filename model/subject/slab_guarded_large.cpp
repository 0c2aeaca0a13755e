#include "model/subject/slab_guarded.hpp"

namespace slabproof {

template <>
AnySubject* make_guarded<slab::Row::Large>(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_guarded_in<slab::Row::Large>(storage, spec, backend);
}

}  // namespace slabproof

#include "model/subject/slab_guarded.hpp"

namespace slabproof {

template <>
AnySubject* make_guarded<slab::Row::SmallMultiPage>(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_guarded_in<slab::Row::SmallMultiPage>(storage, spec, backend);
}

}  // namespace slabproof

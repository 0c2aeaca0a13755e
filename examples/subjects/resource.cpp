// A memory_resource of the standard library, as ci/subject --resource does it.
#include <memory_resource>

#include <slabproof/memory_resource.hpp>
SLABPROOF_RESOURCE(std::pmr::synchronized_pool_resource);

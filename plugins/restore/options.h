// From parsed words to the options of each command: what is checked here needs no cluster.
#pragma once

#include "common/app/command.h"
#include "common/app/context.h"
#include "plugins/restore/drill_plan.h"
#include "plugins/restore/finalize.h"
#include "plugins/restore/in_place_facts.h"
#include "plugins/restore/restore_pvc.h"
#include "plugins/restore/undo.h"

namespace holdfast::restore {

// kUsage: not pvc/NEW, no --from, a size that is none, an ordinal that is none.
Result<PvcOptions> pvc_options(app::Context& context, const app::Arguments& arguments);
// kUsage: not a StatefulSet, Deployment or claim, no --from, no --in-place.
Result<InPlaceOptions> in_place_options(app::Context& context, const app::Arguments& arguments);
Result<UndoOptions> undo_options(app::Context& context, const app::Arguments& arguments);
Result<FinalizeOptions> finalize_options(app::Context& context, const app::Arguments& arguments);
// kUsage; reads --sql-file.
Result<DrillOptions> drill_options(app::Context& context, const app::Arguments& arguments);
Result<DrillOptions> open_options(app::Context& context, const app::Arguments& arguments);

}  // namespace holdfast::restore

// What `snap list` shows: one row a set, one row a single snapshot. Built while lists stream by, so that fifty thousand
// snapshots never stand in memory as JSON: a row has only what is printed.
#pragma once

#include "common/core/duration.h"
#include "common/core/json.h"
#include "common/kube/reader.h"

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::snap {

struct Row {
    bool is_set = false;
    bool rebuilt = false;  // a set whose ConfigMap is lost: its snapshots remember it
    bool complete = true;
    bool error = false;  // a single snapshot that reports an error
    std::string space, name;
    std::string target;  // "sts/postgres", "pvc/data-0"
    int ready = 0, total = 0;
    int members = 0, uncut = 0;  // snapshots that are there; of them not cut yet
    std::string consistency;     // "" for single snapshots
    long long skew_ms = 0;
    long long size_bytes = 0;
    std::string verified_level, verified_at;
    long long created_s = 0;  // since 1970; 0: unknown
    std::string snapshot_class, driver;
};

// What a row must be of to be shown; everything empty: all.
struct RowFilter {
    std::string target;               // "sts/postgres", as normalised by the caller
    std::vector<std::string> claims;  // claims of the target: their single snapshots are shown too
    bool active = false;
    bool accepts_set(const std::string& set_target, const std::vector<std::string>& members) const;
    bool accepts_claim(const std::string& claim) const;
};

// Collects rows from ConfigMaps and snapshots, in any order within each. Pure.
class RowBuilder {
  public:
    explicit RowBuilder(RowFilter filter) : filter_(std::move(filter)) {}
    void add_set(const Json& config_map);        // a damaged one becomes a note
    void add_snapshot(const Json& snapshot);     // after every set was added
    void add_class(const Json& snapshot_class);  // names drivers of single snapshots
    void clear_snapshots();                      // a list began anew
    void clear_sets();
    // By namespace, then age, oldest first: the newest stands next to the prompt. The builder is empty afterwards, for
    // no row exists twice.
    std::deque<Row> take();
    const std::vector<std::string>& damaged() const { return damaged_; }

  private:
    using Key = std::pair<std::string, std::string>;  // namespace, set
    void add_member(Row& row, const Json& snapshot) const;
    bool add_to_lost_set(const Key& key, const Json& snapshot);

    RowFilter filter_;
    std::map<Key, Row> sets_;
    std::map<Key, bool> hidden_;  // sets that the filter does not show: their snapshots neither
    std::deque<Row> singles_;
    std::map<std::string, std::string> drivers_;  // class -> driver
    std::vector<std::string> damaged_;
};

// Where watches go on from what was read.
struct Versions {
    std::string sets, snapshots;
};
// Reads everything: sets, then snapshots, in pages.
Result<Versions> collect_rows(kube::ClusterReader& reader, const std::string& space, RowBuilder& builder);

struct RowStyle {
    bool wide = false;
    bool all_spaces = false;
    SystemTime now;
};
// A table that is printed line by line, its widths taken from what is known at the start: under --watch lines follow.
class RowTable {
  public:
    RowTable(RowStyle style, const std::deque<Row>& rows);
    std::string header() const;
    std::string line(const Row& row) const;
    void set_now(SystemTime now) { style_.now = now; }

  private:
    std::string padded(const std::vector<std::string>& cells) const;
    RowStyle style_;
    std::vector<std::size_t> widths_;
};

// docs/schemas/list.json
Json row_json(const Row& row);

// What a table shows for nothing.
std::string or_none(const std::string& text);

}  // namespace holdfast::snap

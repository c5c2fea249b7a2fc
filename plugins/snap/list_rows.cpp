#include "plugins/snap/list_rows.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <chrono>

namespace holdfast::snap {
namespace {

long long seconds_of(const std::string& time) {
    const Result<SystemTime> parsed = parse_time(time);
    if (!parsed.ok()) return 0;
    return std::chrono::duration_cast<std::chrono::seconds>(parsed->time_since_epoch()).count();
}

std::string age_text(long long created_s, SystemTime now) {
    const long long now_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return created_s == 0 ? "<unknown>" : human_age(std::max(0LL, now_s - created_s));
}

std::string ready_text(const Row& row) {
    std::string text = std::to_string(row.ready) + "/" + std::to_string(row.total);
    if (row.is_set && !row.complete) return text + " (incomplete)";
    if (row.error) return text + " (error)";
    return text;
}

std::string verified_text(const Row& row, SystemTime now) {
    if (row.verified_level.empty()) return "<none>";
    return row.verified_level + " (" + age_text(seconds_of(row.verified_at), now) + " ago)";
}

std::vector<std::string> header_of(const RowStyle& style) {
    std::vector<std::string> header{"NAME", "TARGET", "READY", "CONSISTENCY", "SIZE", "VERIFIED"};
    if (style.all_spaces) header.insert(header.begin(), "NAMESPACE");
    if (style.wide) header.insert(header.end(), {"SKEW", "CLASS", "DRIVER"});
    header.emplace_back("AGE");
    return header;
}

std::vector<std::string> cells_of(const Row& row, const RowStyle& style) {
    const SystemTime now = style.now;
    std::vector<std::string> cells;
    if (style.all_spaces) cells.push_back(row.space);
    cells.push_back(row.is_set ? row.name : "vs/" + row.name);
    cells.push_back(or_none(row.target));
    cells.push_back(ready_text(row));
    cells.push_back(or_none(row.consistency));
    cells.push_back(row.size_bytes > 0 ? human_bytes(row.size_bytes) : "<unknown>");
    cells.push_back(verified_text(row, now));
    if (style.wide) {
        cells.push_back(row.total > 1 && row.complete ? human_elapsed(static_cast<double>(row.skew_ms) / 1000)
                                                      : "<none>");
        cells.push_back(row.snapshot_class);
        cells.push_back(row.driver);
    }
    cells.push_back(age_text(row.created_s, now));
    for (std::string& cell : cells) cell = escape_line(cell);
    return cells;
}

// Terminal columns, near enough: code points.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool by_space_and_age(const Row& a, const Row& b) {
    if (a.space != b.space) return a.space < b.space;
    if (a.created_s != b.created_s) return a.created_s < b.created_s;
    return a.name < b.name;
}

}  // namespace

std::string or_none(const std::string& text) { return text.empty() ? "<none>" : text; }

bool RowFilter::accepts_set(const std::string& set_target, const std::vector<std::string>& members) const {
    if (!active) return true;
    for (const std::string& part : split(set_target, ',')) {
        if (part == target) return true;
    }
    return std::any_of(members.begin(), members.end(), [&](const std::string& claim) { return accepts_claim(claim); });
}

bool RowFilter::accepts_claim(const std::string& claim) const {
    return !active || std::find(claims.begin(), claims.end(), claim) != claims.end();
}

void RowBuilder::add_set(const Json& config_map) {
    const Result<kube::SnapshotSet> read = kube::set_from_config_map(config_map);
    if (!read.ok()) {
        damaged_.push_back(read.error().message);
        return;
    }
    const kube::SnapshotSet& set = *read;
    std::vector<std::string> claims;
    Row row;
    row.is_set = true;
    row.space = set.space;
    row.name = set.name;
    row.target = set.target;
    row.complete = set.complete;
    row.consistency = set.consistency;
    row.skew_ms = set.skew_ms;
    row.verified_level = set.verified_level;
    row.verified_at = set.verified_at;
    row.created_s = seconds_of(set.created_at);
    row.total = static_cast<int>(set.members.size());
    for (const kube::SetMember& member : set.members) {
        claims.push_back(member.claim);
        row.size_bytes += member.size_bytes;
    }
    row.snapshot_class = set.members.front().snapshot_class;
    row.driver = set.members.front().driver;
    const Key key{set.space, set.name};
    if (filter_.accepts_set(set.target, claims))
        sets_[key] = std::move(row);
    else
        hidden_[key] = true;
}

void RowBuilder::add_member(Row& row, const Json& object) const {
    const kube::Snapshot snapshot = kube::snapshot_of(object);
    ++row.members;
    if (snapshot.ready && !snapshot.deleting) ++row.ready;
    if (!kube::is_cut(snapshot)) ++row.uncut;
}

// The ConfigMap is gone, or never was ours: the record on the snapshot decides.
bool RowBuilder::add_to_lost_set(const Key& key, const Json& object) {
    const Result<kube::SnapshotSet> alone = kube::set_from_snapshots(key.second, {object});
    if (!alone.ok()) return false;
    const kube::SetMember& member = alone->members.front();
    if (!filter_.accepts_set(alone->target, {member.claim})) return true;
    auto [found, is_new] = sets_.try_emplace(key);
    Row& row = found->second;
    if (is_new) {
        row.is_set = row.rebuilt = true;
        row.space = key.first;
        row.name = key.second;
        row.target = alone->target;
        row.consistency = alone->consistency;
        row.created_s = seconds_of(alone->created_at);
        row.snapshot_class = member.snapshot_class;
        row.driver = member.driver;
        const Json summary = Json::parse(kube::annotation_of(object, labels::kSetSummary), nullptr, false);
        row.total = static_cast<int>(summary.is_object() ? kube::number_at(summary, "/count", 0) : 0);
    }
    row.size_bytes += member.size_bytes;
    add_member(row, object);
    return true;
}

void RowBuilder::add_snapshot(const Json& object) {
    kube::Snapshot snapshot = kube::snapshot_of(object);
    if (!snapshot.set.empty()) {
        const Key key{snapshot.space, snapshot.set};
        const auto found = sets_.find(key);
        if (found != sets_.end() && !found->second.rebuilt) return add_member(found->second, object);
        if (hidden_.contains(key) || add_to_lost_set(key, object)) return;
    }
    if (!filter_.accepts_claim(snapshot.claim)) return;
    Row row;
    row.space = std::move(snapshot.space);
    row.name = std::move(snapshot.name);
    if (!snapshot.claim.empty()) row.target = "pvc/" + snapshot.claim;
    row.total = 1;
    row.ready = snapshot.ready ? 1 : 0;
    row.error = !snapshot.error.empty() && !snapshot.ready;
    row.uncut = kube::is_cut(snapshot) ? 0 : 1;
    row.size_bytes = snapshot.restore_size.value_or(0);
    row.created_s = seconds_of(snapshot.created);
    row.snapshot_class = std::move(snapshot.snapshot_class);
    row.verified_level = std::move(snapshot.verified_level);
    row.verified_at = std::move(snapshot.verified_at);
    singles_.push_back(std::move(row));
}

void RowBuilder::add_class(const Json& object) {
    const kube::SnapshotClass snapshot_class = kube::snapshot_class_of(object);
    drivers_[snapshot_class.name] = snapshot_class.driver;
}

void RowBuilder::clear_snapshots() {
    singles_.clear();
    std::erase_if(sets_, [](const auto& entry) { return entry.second.rebuilt; });
    for (auto& [key, row] : sets_) row.ready = row.uncut = row.members = 0;
}

void RowBuilder::clear_sets() {
    sets_.clear();
    hidden_.clear();
    damaged_.clear();
}

std::deque<Row> RowBuilder::take() {
    std::deque<Row> rows = std::move(singles_);
    singles_.clear();
    for (auto& [key, row] : sets_) {
        // A rebuilt set is complete if all that its summary counts are there and cut.
        if (row.rebuilt) row.complete = row.uncut == 0 && row.total > 0 && row.members == row.total;
        rows.push_back(std::move(row));
    }
    sets_.clear();
    for (Row& row : rows) {
        const auto found = drivers_.find(row.snapshot_class);
        if (row.driver.empty() && found != drivers_.end()) row.driver = found->second;
    }
    std::sort(rows.begin(), rows.end(), by_space_and_age);
    return rows;
}

Result<Versions> collect_rows(kube::ClusterReader& reader, const std::string& space, RowBuilder& builder) {
    kube::ListOptions sets;
    sets.label_selector = std::string(labels::kRole) + "=set";
    const auto add_set = [&](Json&& object) {
        builder.add_set(object);
        return true;
    };
    const auto add_snapshot = [&](Json&& object) {
        builder.add_snapshot(object);
        return true;
    };
    Versions versions;
    TRY_ASSIGN(versions.sets, reader.for_each(kube::kConfigMaps, space, sets, add_set, [&] { builder.clear_sets(); }));
    TRY_ASSIGN(versions.snapshots,
               reader.for_each(kube::kSnapshots, space, {}, add_snapshot, [&] { builder.clear_snapshots(); }));
    return versions;
}

RowTable::RowTable(RowStyle style, const std::deque<Row>& rows) : style_(style) {
    for (const std::string& title : header_of(style_)) widths_.push_back(width_of(title));
    for (const Row& row : rows) {
        const std::vector<std::string> cells = cells_of(row, style_);
        for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], width_of(cells[i]));
    }
}

std::string RowTable::padded(const std::vector<std::string>& cells) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += cells[i];
        const std::size_t width = width_of(cells[i]);
        if (i + 1 < cells.size()) line.append((widths_[i] > width ? widths_[i] - width : 0) + 3, ' ');
    }
    return line + '\n';
}

std::string RowTable::header() const { return padded(header_of(style_)); }
std::string RowTable::line(const Row& row) const { return padded(cells_of(row, style_)); }

Json row_json(const Row& row) {
    Json json = {{"type", row.is_set ? "set" : "snapshot"}, {"namespace", row.space}, {"name", row.name}};
    json["target"] = row.target;
    json["ready"] = row.ready;
    json["total"] = row.total;
    json["complete"] = row.complete;
    if (row.is_set) {
        json["consistency"] = row.consistency;
        json["skewMilliseconds"] = row.skew_ms;
        json["rebuilt"] = row.rebuilt;
    } else {
        json["error"] = row.error;
    }
    json["sizeBytes"] = row.size_bytes;
    json["verified"] = {{"level", row.verified_level}, {"at", row.verified_at}};
    json["snapshotClass"] = row.snapshot_class;
    json["driver"] = row.driver;
    json["createdAt"] = row.created_s == 0 ? "" : format_time(SystemTime(std::chrono::seconds(row.created_s)));
    return json;
}

}  // namespace holdfast::snap

/* Swapping a claim's volume with two users at it, checked by Spin. docs/model.md says what this abstracts.
 *
 * One StatefulSet of one pod, one claim name, its old volume and the restored new one. User 1 restores in place. User 2
 * may come at any time: while user 1's operation is unfinished it takes it over and goes on with it or aborts it; after
 * that it undoes. User 1 may be paused for ever (killed) or as long as it likes (SIGSTOP) between any two steps, also
 * between what it read and the write that follows. The StatefulSet controller, the volume binder, the protection of
 * mounted claims and a GitOps tool act when they please.
 *
 * A rule is taken out by -D: NO_FENCE (R3: a takeover marks no target), NO_LOCK (R1: the other operation begins although
 * one is unfinished), NO_RESERVE (R9: the claim is deleted before the new volume names it), NO_RETAIN (R11), NO_UID (a
 * delete without uid and resourceVersion), NO_CAS (the journal is taken over without a compare-and-swap, so that two owners
 * have one epoch), NO_DRAIN (the workload is started while a pod that was told to end still writes: a Deployment's next pod
 * would not wait for it).
 */

#define TEMP 1 /* claimRef: the volume is kept under a name of its own */
#define NAME 2 /* claimRef: the claim's name, without a uid: whoever makes it gets this volume */
#define BOUND 3
#define FREED 4 /* Released: its claim is gone */
#define GONE 5

#define OLD 1
#define NEW 2
#define EMPTY 3

/* The API server's objects. version: changed by every write. mark: epoch of the last takeover. */
byte sts_version, claim_version, mark_sts, mark_claim;
bit replicas = 1;
bit claim_exists = 1, claim_ends = 0;
byte claim_uid = 1, claim_volume = OLD;
byte ref[4];          /* of volume OLD and NEW; by the names above */
bit retain[4];
byte volume_version[4], mark_volume[4];
byte pod_on = OLD;    /* which volume the pod writes to; 0: no pod */
byte ending_on = 0;   /* the same of a pod that was told to end and has not ended */

byte lease = 0;       /* holder */
byte epoch = 0;       /* of the journal */
bit journal_open = 0, journal_done = 0;

bit gitops_may = 1;   /* it acts once: scales up what it finds scaled down */

/* -D REACH=NAME: the model is of use only if these ends come about at all; a check that must fail. */
#ifdef REACH
#define RESTORED (me == 1)
#define RESUMED (me == 2 && goal == NEW)
#define ABORTED (me == 2 && goal == OLD && claim_uid == 1)
#define UNDONE (me == 2 && goal == OLD && claim_uid > 1)
#define reached() assert(!(REACH))
#else
#define reached() skip
#endif

/* I1: every volume that had data at the start is there or can be had back. */
#define i1 (ref[OLD] != GONE && ref[NEW] != GONE)

inline destroy_or_release(v) {
    if
    :: retain[v] -> ref[v] = FREED
    :: else -> ref[v] = GONE; assert(i1)
    fi;
    volume_version[v]++
}

/* The claim's end: at once, or when the pod that mounts it has gone (kubernetes.io/pvc-protection). */
inline claim_goes() {
    claim_exists = 0; claim_ends = 0; claim_version++; mark_claim = 0;
    if
    :: claim_volume == OLD || claim_volume == NEW -> destroy_or_release(claim_volume)
    :: else
    fi;
    claim_volume = 0
}

/* What a user reads before each step, all at once; the write that follows may come much later. */
inline look() {
    d_step {
        r_sts = sts_version; r_claim = claim_version; r_uid = claim_uid;
        r_volume[OLD] = volume_version[OLD]; r_volume[NEW] = volume_version[NEW];
        step = 0;
        if
#ifndef NO_RETAIN
        :: !retain[OLD] -> step = 1
        :: retain[OLD] && !retain[NEW] -> step = 2
#else
        :: 0
#endif
        :: else ->
            if
            :: claim_exists && !claim_ends && claim_volume == goal && replicas == 1 -> step = 10
            :: claim_exists && !claim_ends && claim_volume == goal && replicas == 0 ->
                if
                :: ref[other] == NAME -> step = 4 /* nothing else may be reserved for this name */
#ifndef NO_DRAIN
                :: ref[other] != NAME && (pod_on != 0 || ending_on != 0) -> step = 0
#endif
                :: else -> step = 3
                fi
            :: (!claim_exists || claim_ends || claim_volume != goal) && replicas == 1 -> step = 5
            :: else ->
                if
                :: pod_on != 0 || ending_on != 0 -> step = 0
                :: else ->
                    if
                    :: ref[other] == NAME -> step = 4
                    :: ref[other] != NAME && ref[goal] != NAME && ref[goal] != BOUND -> step = 6
                    :: else ->
                        if
                        :: claim_exists && !claim_ends && claim_volume != 0 && claim_volume != goal -> step = 7
                        :: !claim_exists -> step = 8
                        :: else -> step = 0
                        fi
                    fi
                fi
            fi
        fi;
#ifdef NO_RESERVE
        if
        :: step == 6 && claim_exists && !claim_ends && claim_volume != 0 -> step = 7
        :: else
        fi;
#endif
        /* A later owner's mark, seen in what was read: no write follows. */
        lost = (mark_sts > mine || mark_claim > mine || mark_volume[OLD] > mine || mark_volume[NEW] > mine)
    }
}

/* The write, with the version that was read: otherwise 409, and it is read again. */
inline act() {
    if
    :: step == 1 -> d_step { if :: r_volume[OLD] == volume_version[OLD] -> retain[OLD] = 1; volume_version[OLD]++ :: else fi }
    :: step == 2 -> d_step { if :: r_volume[NEW] == volume_version[NEW] -> retain[NEW] = 1; volume_version[NEW]++ :: else fi }
    :: step == 3 -> d_step { if :: r_sts == sts_version -> assert(pod_on == 0 && ending_on == 0); /* I6 */ replicas = 1; sts_version++ :: else fi }
    :: step == 4 -> d_step { if :: r_volume[other] == volume_version[other] -> ref[other] = TEMP; volume_version[other]++ :: else fi }
    :: step == 5 -> d_step { if :: r_sts == sts_version -> replicas = 0; sts_version++ :: else fi }
    :: step == 6 -> d_step { if :: r_volume[goal] == volume_version[goal] -> ref[goal] = NAME; volume_version[goal]++ :: else fi }
    :: step == 7 ->
        d_step {
            if
#ifndef NO_UID
            :: claim_exists && !claim_ends && r_uid == claim_uid && r_claim == claim_version ->
#else
            :: claim_exists && !claim_ends ->
#endif
#ifndef NO_I2
                assert(claim_volume == 0 || claim_volume == EMPTY || retain[claim_volume]); /* I2: seen before, and still so */
#endif
                claim_ends = 1; claim_version++;
                if :: pod_on == 0 && ending_on == 0 -> claim_goes() :: else fi
            :: else
            fi
        }
    :: step == 8 ->
        /* No version can stand for what does not exist: the journal's compare-and-swap comes first, then the create. */
        atomic { if :: epoch == mine :: else -> lost = 1 fi };
        if
        :: !lost -> d_step { if :: !claim_exists -> claim_exists = 1; claim_uid++; claim_version++; claim_volume = 0 :: else fi }
        :: else
        fi
    :: step == 0 -> skip
    fi
}

/* The loop of one owner: look, act, look again, until the claim has the volume that it should have. */
inline work() {
    do
    :: look();
       if
       :: lost -> break
       :: !lost && step == 10 ->
            atomic {
                if
                :: epoch == mine -> reached(); journal_open = 0; journal_done = 1; finished = 1;
                   if :: lease == me -> lease = 0 :: else fi
                :: else -> lost = 1
                fi
            };
            break
       :: else -> act()
       fi
    od
}

proctype Restore(byte me) {
    byte goal = NEW, other = OLD, step, mine = 0, r_sts, r_claim, r_uid;
    byte r_volume[4];
    bit lost = 0, finished = 0;
    atomic { lease == 0 && !journal_open && !journal_done -> lease = me; journal_open = 1; mine = epoch }
    work()
}

proctype Second(byte me) {
    byte goal, other, step, mine = 0, r_sts, r_claim, r_uid;
    byte r_volume[4];
    bit lost = 0, finished = 0;
    if
    :: atomic { journal_open -> lease = me }; /* the first owner has been silent for 9 s, as far as anybody can see */
#ifdef NO_LOCK
       goal = OLD; other = NEW; mine = epoch; work(); goto end;
#endif
#ifndef NO_CAS
       atomic { if :: journal_open -> epoch++; mine = epoch :: else -> goto end fi };
#else
       mine = epoch;
#endif
#ifndef NO_FENCE
       d_step { sts_version++; mark_sts = mine };
       d_step { if :: claim_exists -> claim_version++; mark_claim = mine :: else fi };
       d_step { volume_version[OLD]++; mark_volume[OLD] = mine };
       d_step { volume_version[NEW]++; mark_volume[NEW] = mine };
#endif
       atomic {
           /* abort: only before the point of no return; resume: always */
           if
           :: goal = NEW; other = OLD
           :: claim_exists && !claim_ends && claim_uid == 1 && claim_volume == OLD -> goal = OLD; other = NEW
           fi
       };
       work()
    :: atomic { journal_done && lease == 0 -> lease = me; journal_done = 0; journal_open = 1; epoch++; mine = epoch; goal = OLD; other = NEW };
       work()
    fi;
end: skip
}

/* kube-controller-manager: the StatefulSet controller, the binder and provisioner, the volume controller. */
active proctype Controllers() {
end:
    do
    :: atomic { replicas == 1 && !claim_exists -> claim_exists = 1; claim_uid++; claim_version++; claim_volume = 0 }
    :: atomic { replicas == 1 && pod_on == 0 && ending_on == 0 && claim_exists && !claim_ends && claim_volume != 0 ->
            assert(claim_volume != EMPTY); /* I4: no database starts on an empty volume */
            pod_on = claim_volume }
    :: atomic { replicas == 0 && pod_on != 0 -> ending_on = pod_on; pod_on = 0 }
    :: atomic { ending_on != 0 -> ending_on = 0;
            if :: claim_ends -> claim_goes() :: else fi }
    :: atomic { claim_exists && claim_volume == 0 && ref[OLD] == NAME -> claim_volume = OLD; ref[OLD] = BOUND; volume_version[OLD]++; claim_version++;
            assert(ref[NEW] != NAME) /* two reserved: nobody knows which is taken */ }
    :: atomic { claim_exists && claim_volume == 0 && ref[NEW] == NAME -> claim_volume = NEW; ref[NEW] = BOUND; volume_version[NEW]++; claim_version++;
            assert(ref[OLD] != NAME) }
    :: atomic { claim_exists && !claim_ends && claim_volume == 0 && ref[OLD] != NAME && ref[NEW] != NAME -> claim_volume = EMPTY; claim_version++ }
    od
}

/* Recreates what was deleted (as the StatefulSet controller would, whatever the replicas), and scales back up once. */
active proctype GitOps() {
end:
    do
    :: atomic { !claim_exists -> claim_exists = 1; claim_uid++; claim_version++; claim_volume = 0 }
    :: atomic { gitops_may && replicas == 0 -> gitops_may = 0; replicas = 1; sts_version++ }
    od
}

init {
    atomic {
        ref[OLD] = BOUND; ref[NEW] = TEMP;
        run Restore(1);
        run Second(2)
    }
}

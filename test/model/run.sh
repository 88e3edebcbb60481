#!/bin/bash
# run.sh - checks all models with spin, and that each planted bug is found.
#
#   test/model/run.sh            what ./check runs: a minute and a half of one core, on all there are
#   test/model/run.sh --long     larger bounds besides: up to 8 GB of memory
#   test/model/run.sh WORD       only the rows in which WORD stands
#
# A row: model, what it is compiled with, and what must come out: `holds`, or the property that a planted bug breaks.  Exit
# code: 0 all came out so; 1 one did not; 77 spin is not installed (1 with CADMUS_REQUIRE_SPIN=1).
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
long=0 only=
for a in "$@"; do case $a in
	--long) long=1 ;;
	-h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) only=$a ;;
esac; done
if ! command -v spin >/dev/null; then
	echo "skipped: spin is not installed (tools/setup --check does it)"
	[ "${CADMUS_REQUIRE_SPIN:-0}" = 1 ] && exit 1
	exit 77
fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cp "$here"/*.pml "$work" && cd "$work" || exit 1

rows() {
	local order="SLOTS=4 READERS=1 READS=3 ATTEMPTS=7" lease="SLOTS=3 READERS=1 READS=2 ATTEMPTS=5 LEASES=1"
	local wake="SLEEPERS=1 VERSIONS=2" peers="HANDLES=1 CALLS=3 LIVES=3 STRUCTS=3"
	local group="MEMBERS=2 SLOTS=3 COMMITS=5 READS=2" event="WRITERS=2 RECORDS=3 RING=2 READS=3 TURNS=2"
	local desk="ATTEMPTS=4 LEASES=2" progress="SLOTS=3 READERS=2 READS=1 ATTEMPTS=3 LEASES=1 PROGRESS"
	cat <<-END
	ring | $order LEASES=0                                             | holds
	ring | SLOTS=4 READERS=1 READS=2 ATTEMPTS=7 LEASES=1               | holds
	ring | SLOTS=3 READERS=2 READS=1 ATTEMPTS=4 LEASES=1               | holds
	ring | SLOTS=3 READERS=1 READS=3 ATTEMPTS=6 LEASES=1               | holds
	ring | SLOTS=3 READERS=1 READS=3 ATTEMPTS=6 LEASES=1 BUG_AHEAD_UNSEEN | no_overwritten_lease
	ring | $progress                                                   | holds
	ring | $lease TSO                                                  | holds
	ring | $order LEASES=0 BUG_NO_ODD                                  | no_torn_read
	ring | $order LEASES=0 BUG_NO_SECOND_LOOK                          | no_torn_read
	ring | $order LEASES=0 BUG_EARLY_EVEN                              | says_its_version
	ring | $order LEASES=0 BUG_TAKES_NEWEST                            | newest_stays
	ring | $order LEASES=1 BUG_HALF_LAP_GOES_BACK                      | versions_increase
	ring | $order LEASES=0 BUG_BELIEVES_THE_HEAD                       | reads_what_it_was_told_of
	ring | $lease TSO BUG_PASSED_IS_NOTHING                            | reads_what_it_was_told_of
	ring | $order LEASES=0 BUG_COUNTS_BY_NEWEST                        | counts_missed_exactly
	ring | $order LEASES=0 TAKEN_GONE_IS_BROKEN                        | an_honest_writer_is_not_called_broken
	ring | $lease BUG_SCAN_FIRST                                       | no_overwritten_lease
	ring | $lease BUG_NO_LEASE_LOOK                                    | no_overwritten_lease
	ring | $lease TSO WEAK_W1                                          | no_overwritten_lease
	ring | $lease TSO WEAK_L2                                          | no_overwritten_lease
	ring | $progress BUG_WAITS_FOR_READER                              | writer_progress
	desk | $desk                                                       | holds
	desk | $desk BUG_ACKNOWLEDGES_FIRST                                | no_overwritten_lease
	desk | $desk BUG_DOES_NOT_ASK                                      | no_overwritten_lease
	desk | $desk BUG_BURIES_THE_LIVING                                 | no_overwritten_lease
	desk | $desk BUG_DEAD_COUNT                                        | the_dead_hold_nothing
	wake | SLEEPERS=2 VERSIONS=2                                       | holds
	wake | SLEEPERS=2 VERSIONS=2 QUIT                                  | holds
	wake | SLEEPERS=1 VERSIONS=1 TAKEOVER                              | holds
	wake | $wake TSO                                                   | holds
	wake | $wake QUIT TSO                                              | holds
	wake | $wake BUG_LOOKS_FIRST                                       | no_lost_wake_up
	wake | $wake BUG_NOT_COUNTED_IN                                    | no_lost_wake_up
	wake | $wake BUG_NO_SECOND_LOOK                                    | no_lost_wake_up
	wake | $wake BUG_EXPECTS_LATE                                      | no_lost_wake_up
	wake | $wake TAKEOVER BUG_NO_INTERRUPT                             | no_lost_wake_up
	wake | $wake TAKEOVER BUG_ACKNOWLEDGES_FIRST                       | no_lost_wake_up
	wake | $wake QUIT BUG_FLAG_LAST                                    | no_lost_wake_up
	wake | $wake TSO WEAK_W7                                           | no_lost_wake_up
	wake | $wake TSO WEAK_S1                                           | no_lost_wake_up
	wake | $wake BUG_WAKES_ALWAYS                                      | nobody_is_woken_for_nothing
	peers | HANDLES=1 CALLS=3 LIVES=4 STRUCTS=5                        | holds
	peers | $peers                                                     | holds
	peers | $peers TSO                                                 | holds
	peers | $peers NO_LEASES BUG_IGNORES_USERS                         | nothing_used_is_unmapped
	peers | $peers NO_LEASES BUG_NO_THIRD_LOOK                         | nothing_used_is_unmapped
	peers | $peers NO_LEASES TSO WEAK_T1                               | zeros_are_not_believed
	peers | $peers BUG_EMPTIES_WHAT_IS_LEASED                          | leased_memory_stays
	peers | $peers BUG_DOES_NOT_LOOK_AGAIN                             | leased_memory_stays
	peers | $peers NO_LEASES BUG_BELIEVES_ZEROS                        | zeros_are_not_believed
	peers | $peers BUG_SAYS_EPOCH_OF_NOW                               | epochs_never_mix
	peers | $peers BUG_COUNTS_ANEW                                     | users_are_counted
	peers | $peers BUG_FORGETS_TO_STEP_BACK                            | nothing_is_left
	group | $group                                                     | holds
	group | $group TSO                                                 | holds
	group | $group BUG_HEAD_FIRST                                      | all_of_a_commit
	group | $group BUG_NO_SECOND_LOOK                                  | no_torn_view
	group | $group BUG_LEADER_BY_STAMP                                 | views_follow
	event | WRITERS=2 RECORDS=2 RING=2 READS=3 TURNS=2                 | holds
	event | WRITERS=1 RECORDS=9 RING=4 READS=4 TURNS=2                 | holds
	event | WRITERS=2 RECORDS=2 RING=2 READS=3 TURNS=2 TSO             | holds
	event | $event BUG_NO_TURNS                                        | one_writes_at_a_time
	event | $event BUG_NO_ODD                                          | no_torn_read
	event | $event BUG_NO_SECOND_LOOK                                  | no_torn_read
	event | WRITERS=1 RECORDS=5 RING=2 READS=3 TURNS=1 BUG_WORDS_LAST  | says_its_version
	event | WRITERS=1 RECORDS=5 RING=2 READS=3 TURNS=1 BUG_KEEPS_CURSOR | versions_increase
	event | $event BUG_CURSOR_MOVES_FIRST                              | counts_missed_exactly
	event | $event BUG_LEAVES_FIRST                                    | an_honest_writer_is_not_called_broken
	END
	[ $long = 1 ] && cat <<-END
	ring | SLOTS=3 READERS=2 READS=1 ATTEMPTS=6 LEASES=1               | holds
	ring | SLOTS=4 READERS=1 READS=5 ATTEMPTS=9 LEASES=1               | holds
	ring | SLOTS=3 READERS=2 READS=1 ATTEMPTS=3 LEASES=1 TSO           | holds
	ring | SLOTS=3 READERS=2 READS=1 ATTEMPTS=4 LEASES=1 PROGRESS      | holds
	wake | $wake TAKEOVER                                              | holds
	wake | SLEEPERS=2 VERSIONS=1 TAKEOVER                              | holds
	wake | SLEEPERS=1 VERSIONS=2 TAKEOVER QUIT TSO                     | holds
	peers | HANDLES=2 CALLS=2 LIVES=2 STRUCTS=4                        | holds
	group | MEMBERS=3 SLOTS=3 COMMITS=5 READS=3                        | holds
	event | $event                                                     | holds
	event | WRITERS=3 RECORDS=2 RING=2 READS=3 TURNS=2                 | holds
	END
}

# What the search ended with: `holds`, or the property that is broken.  Whatever is neither is shown as it is.
verdict() { # OUTPUT
	if grep -q 'errors: 0' "$1" && ! grep -q 'max search depth too small' "$1"; then echo holds
	elif grep -q 'assertion violated' "$1"; then sed -n 's/.*assertion violated \([a-z_]*\).*/\1/p' "$1" | head -n 1
	elif grep -q 'invalid end state (at' "$1"; then echo no_lost_wake_up
	elif grep -q 'acceptance cycle (at' "$1"; then echo writer_progress
	else tail -n 1 "$1"; fi
}

search() { # MODEL DEFINES
	local flags='' how='-O0 -DSAFETY -DNOFAIR' with='-m1000000' d # most are compiled for longer than they search
	for d in $2; do flags+=" -D$d"; done
	[[ $2 == *PROGRESS* ]] && how='-O0 -DNFAIR=3' with='-m1000000 -a -f'
	[ $long = 0 ] || how=${how/-O0/-O2}
	spin -a $flags "$1.pml" >spin.out 2>&1 && gcc -w -DCOLLAPSE -DMEMLIM=8000 $how -o pan pan.c >spin.out 2>&1 &&
		./pan $with >pan.out 2>&1 || cp spin.out pan.out
}

# One row, in a folder of its own; its line of the table.  Not as wanted: a file `failed` is left there.
row() { # FOLDER MODEL DEFINES WANT
	local started=$EPOCHREALTIME took states depth got
	mkdir "$1" && cp ./*.pml "$1" && cd "$1" || return
	search "$2" "$3"
	took=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	states=$(awk '/states, stored/ { print $1 }' pan.out) depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' pan.out)
	got=$(verdict pan.out)
	[ "$got" = "$4" ] || { touch failed; got="$got, but wanted: $4"; }
	[ "$4" = holds ] || [ "$got" != "$4" ] || got="found: $got"
	printf '%-6s %-70s %11s %7s %6s  %s\n' "$2" "$3" "${states:--}" "${depth:--}" "$took" "$got"
}

begun=$SECONDS n=0 at_once=$(nproc)
[ $long = 0 ] || at_once=1 # each may take 8 GB
printf '%-6s %-70s %11s %7s %6s  %s\n' model with states depth seconds verdict
while IFS='|' read -r model defines want; do
	model=${model// /} want=${want// /} defines=$(echo $defines)
	[[ -z $only || "$model $defines $want" == *$only* ]] || continue
	n=$((n + 1))
	while [ "$(jobs -pr | wc -l)" -ge "$at_once" ]; do wait -n; done
	(row "row$n" "$model" "$defines" "$want") &
done < <(rows)
wait
failed=$(find . -name failed | wc -l)
echo "$n rows, $((SECONDS - begun)) s, $failed failed"
[ "$failed" = 0 ]

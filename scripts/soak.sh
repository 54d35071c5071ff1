#!/usr/bin/env bash
# Runs the parts of the soak, one after the other, each within a bound of its own, and says of each how it ended. One that fails does not keep the others from
# running; at the end comes the list.
#
#   scripts/soak.sh [PART ...]     all parts, if none is named
#
# SOAK   seconds for each open-ended part (default 60)
# FORM   long (default): full size; short: the sizes of CI, with open-ended parts for SOAK seconds
# TAGS   build tags; ZORYA_BIN: the binary under test
set -uo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
soak=${SOAK:-60} form=${FORM:-long} tags=${TAGS:-gms_pure_go}

# name, bound in minutes in the long form, what it is: an e2e test pattern with its flags, or a command.
parts=(
	"sim        $((soak / 60 + 10)) go test ./storage/sim -run TestSoak -sim.soak ${soak}s -timeout 0 -v"
	"fuzz       $((soak * 60 / 60 + 60)) scripts/fuzz.sh $soak"
	"invariants 30  go test -count=1 -tags=$tags,invariants ./engine/..."
	"locks      20  e2e TestLocks\$"
	"isolation  $((soak / 60 + 20)) e2e TestIsolation\$ -isolation.for=$((soak / 8 + 1))s"
	"transfer   30  e2e TestTransfer\$"
	"foreign    20  e2e TestForeignKill\$"
	"ddl        60  e2e TestOnlineAlterKill|TestAlterKindsKill"
	"long       120 e2e TestLong"
	"xa         20  e2e TestXACrash"
	"spill      20  e2e TestSpill"
	"tenants    120 e2e TestTenants"
	"diff       $((soak / 60 + 20)) e2e TestDiff\$"
	"accept1    60  e2e TestAccept1"
	"accept2    60  e2e TestAccept2"
	"accept3    60  e2e TestAccept3"
	"accept4    60  e2e TestAccept4"
	"accept5    90  e2e TestAccept5"
	"accept6    60  e2e TestAccept6"
	"accept7    90  e2e TestAccept7"
	"accept8    120 e2e TestAccept8"
	"hosts      60  e2e TestHosts|TestExternalEtcd"
	"drivers    60  e2e TestDrivers|TestGoDriver"
	"tools      60  e2e TestTools"
	"mysqltest  180 e2e TestMysqltest"
	"apps       60  e2e TestApps"
)

e2e() { # bound in minutes, pattern, flags
	local bound=$1 pattern=$2
	shift 2
	GOFLAGS="-buildvcs=false -tags=$tags,e2e" go test -count=1 -v -timeout "${bound}m" -run "$pattern" ./e2e ${1+-args "$@"}
}

[ "$form" = short ] || export ZORYA_SOAK=$soak
failed=0 wanted=" $* " told=()
for part in "${parts[@]}"; do
	read -r name bound command <<<"$part"
	[ $# = 0 ] || [[ $wanted == *" $name "* ]] || continue
	[ "$form" = long ] || [ "$bound" -le 15 ] || [ "$name" = fuzz ] || bound=15
	read -ra words <<<"$command"
	[ "${words[0]}" != e2e ] || words=(e2e "$bound" "${words[@]:1}")
	[ "$name $form" != "transfer short" ] || words+=("-transfer.for=${soak}s")
	[ "$name $form" != "diff short" ] || words+=("-diff.for=${soak}s")
	printf '\n== soak: %s, at most %s minutes (%s)\n' "$name" "$bound" "$(date +%T)"
	begun=$SECONDS
	if [ "${words[0]}" = e2e ]; then
		"${words[@]}" # go test keeps the bound, and takes its processes with it
	else
		timeout -k 30 "${bound}m" "${words[@]}"
	fi
	code=$?
	result=ok
	[ $code = 0 ] || { result="FAILED ($code)" failed=1; }
	told+=("$(printf '%-11s %-13s %5d s' "$name" "$result" $((SECONDS - begun)))")
	printf '== soak: %s\n' "${told[-1]}"
done
[ ${#told[@]} -gt 0 ] || { echo "soak: no such part: $*" >&2; exit 2; }
printf '\n== soak\n'
printf '%s\n' "${told[@]}"
exit $failed

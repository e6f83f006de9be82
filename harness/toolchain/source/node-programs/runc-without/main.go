// runc-without is an OCI runtime: runc, minus the capabilities that this host itself lacks.
//
// Docker asks for every capability in a privileged container (and in an exec into one). On a host whose own bounding set lacks one,
// CAP_SYS_RESOURCE say, runc refuses the whole container. This wrapper takes what the host lacks out of config.json (create, run) or
// process.json (exec), and with it a negative OOM score, which needs CAP_SYS_RESOURCE; then it becomes runc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	lacking := strings.Split(os.Getenv("MESHPROOF_LACKING_CAPABILITIES"), ",")
	var verb, bundle, process string
	previous := ""
	for _, argument := range os.Args[1:] {
		switch previous {
		case "--bundle", "-b":
			bundle = argument
		case "--process", "-p":
			process = argument
		}
		switch argument {
		case "create", "run", "exec":
			if verb == "" {
				verb = argument
			}
		}
		previous = argument
	}
	var err error
	switch {
	case verb == "exec" && process != "":
		err = rewrite(process, func(spec map[string]any) { reduce(spec, lacking) })
	case verb == "create" || verb == "run":
		err = rewrite(filepath.Join(bundle, "config.json"), func(spec map[string]any) {
			if process, ok := spec["process"].(map[string]any); ok {
				reduce(process, lacking)
			}
		})
	}
	if err == nil {
		var runc string
		if runc, err = exec.LookPath("runc"); err == nil {
			err = syscall.Exec(runc, append([]string{"runc"}, os.Args[1:]...), os.Environ())
		}
	}
	fmt.Fprintln(os.Stderr, "runc-without:", err)
	os.Exit(1)
}

func rewrite(path string, change func(map[string]any)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err = json.Unmarshal(text, &spec); err != nil {
		return err
	}
	change(spec)
	if text, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func reduce(process map[string]any, lacking []string) {
	if sets, ok := process["capabilities"].(map[string]any); ok {
		for name, set := range sets {
			list, _ := set.([]any)
			kept := make([]any, 0, len(list))
			for _, capability := range list {
				if !contains(lacking, capability) {
					kept = append(kept, capability)
				}
			}
			sets[name] = kept
		}
	}
	if score, ok := process["oomScoreAdj"].(float64); ok && score < 0 && contains(lacking, "CAP_SYS_RESOURCE") {
		process["oomScoreAdj"] = 0
	}
}

func contains(list []string, item any) bool {
	for _, one := range list {
		if one == item {
			return true
		}
	}
	return false
}

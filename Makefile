PYTHON ?= python3
comma := ,
RUN := .venv/bin/python -m

TABLES := $(addprefix table,1 2 3 4 5 6 7 8 9 10)
FIGURES := $(addprefix figure,1 2 3 4 5 6 7)
PROFILE ?= short
# Settings of every run of a table: empty ones are left to its preset. ARGS: any others, as for mvm.train.
SWEEP = profile=$(PROFILE) $(if $(DATA),data=$(DATA)) $(if $(ETA),eta=$(ETA)) $(if $(SEEDS),seed=$(SEEDS)) $(ARGS)

# Beyond the paper: all in the box, 3,000 iterations where the profile is short, and PGD as strong as one can wait for
ENDS := $(if $(filter cifar10,$(DATA)),0.1$(comma)0.2,0.3$(comma)0.6)
BUDGET = $(if $(filter short,$(PROFILE)),budgets.$(if $(filter cifar10,$(DATA)),cifar10,mnist))
DEFENCES = profile=$(PROFILE) data=$(or $(DATA),mnist) eta=$(or $(ETA),$(ENDS)) seed=$(or $(SEEDS),0) \
	outputs=outputs/defences 'attacks=[none]' $(ARGS) $(if $(BUDGET),$(BUDGET).iterations=3000 $(BUDGET).game_iterations=3000 \
	$(BUDGET).undefended.iterations=3000 $(BUDGET).undefended.lambda_=1e-3)
STRONG = profile=$(PROFILE) attacks.noise.box=true attacks.attnet.box=true attacks.attnet_best.box=true \
	attacks.pgd.steps=50 attacks.pgd.restarts=10 attacks.apgd.steps=50 $(if $(BUDGET),$(BUDGET).attack_iterations=1500) $(ARGS)
GRID := none,noise,fgsm_box,pgd,apgd,attnet,attnet_best

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint games bench bench-test launch-test clean paper figures report defences autoattack $(TABLES) $(FIGURES)

help:  ## list the targets
	@grep -E '^[a-z0-9$$()A-Z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}' | sed 's/$$(TABLES) /tableN    /; s/$$(FIGURES)/figureN   /'

setup: .venv/ready  ## make .venv with the project and its development tools

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "mvm needs Python 3.11, 3.12 or 3.13; this is " + sys.version.split()[0] + ": name another, for example make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: .venv/ready  ## three defences on the embedded MNIST images, and a table of attacks on them
	$(RUN) mvm.train --multirun game=undefended,sens_fgsm,minimax data=mnist5k eta=0.3 profile=smoke
	$(RUN) mvm.evaluate 'runs=outputs/runs/mnist5k-*-eta0.3-seed0-*' profile=smoke

test: .venv/ready  ## the tests; those on real data need MVM_DATA
	OMP_NUM_THREADS=1 $(RUN) pytest -q -n auto --dist worksteal

lint: .venv/ready  ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

$(TABLES): .venv/ready  ## table N of the paper, 1 to 10: PROFILE=smoke|short|paper SEEDS=0,1,2 ETA=0.3 DATA=mnist5k
	$(call made_by,table=$@)

$(FIGURES): .venv/ready  ## figure N of the paper, 1 to 7, likewise
	$(call made_by,figure=$@)

figures: .venv/ready  ## all figures
	$(call all_of,$(FIGURES))

paper: .venv/ready  ## all tables and figures; what fails is named at the end
	$(call all_of,$(TABLES) $(FIGURES))

defences: .venv/ready  ## beyond the paper: what each defence withstands in the box, one grid; ETA=0.6 SEEDS=0,1,2
	$(RUN) mvm.train --multirun game=undefended,pgd_train $(DEFENCES)
	$(RUN) mvm.train --multirun game=adv_train game.examples=current attack=fgsm_box $(DEFENCES)
	$(RUN) mvm.train --multirun game=sens_fgsm attack=fgsm_box $(DEFENCES)
	$(RUN) mvm.train --multirun game=alt,minimax attack.box=true $(DEFENCES)
	$(RUN) mvm.train --multirun game=minimax recipe=best attack.box=true $(DEFENCES)
	$(RUN) mvm.train --multirun game=mixture game.mix=image,dataset members.attnet_folded.box=true $(DEFENCES)
	$(RUN) mvm.evaluate 'runs=outputs/defences/runs/$(or $(DATA),mnist)-*' outputs=outputs/defences 'attacks=[$(GRID)]' $(STRONG)

autoattack: .venv/ready  ## the same grid with AutoAttack, on 1,000 test images: after make defences and pip install -e '.[autoattack]'
	$(RUN) mvm.evaluate 'runs=outputs/defences/runs/$(or $(DATA),mnist)-*' outputs=outputs/defences/thousand test_images=1000 'attacks=[$(GRID),autoattack]' attacks.autoattack.restarts=5 $(STRONG)

report: .venv/ready  ## render what has been run so far: outputs/paper/<profile>/index.html
	$(RUN) mvm.report profile=$(PROFILE) $(filter outputs=%,$(ARGS))

# Train what is missing, score what is missing; render even if a job failed, and then say so.
made_by = status=0; $(RUN) mvm.train $(1) $(SWEEP) || status=$$?; \
	$(RUN) mvm.report profile=$(PROFILE) $(filter outputs=%,$(ARGS)) && exit $$status
all_of = failed=; for one in $(1); do $(RUN) mvm.train $${one%%[0-9]*}=$$one $(SWEEP) || failed="$$failed $$one"; done; \
	$(RUN) mvm.report profile=$(PROFILE) $(filter outputs=%,$(ARGS)) || failed="$$failed report"; \
	if [ -n "$$failed" ]; then echo "failed, in part:$$failed; make with one of these names tries only that again, and \
	says at its end which job failed and why" >&2; exit 1; fi

games: .venv/ready  ## how often each solver finds the known answers, into docs/solvers.md
	$(RUN) tests.benchmarks.success

bench: .venv-bench/ready  ## what it costs, ours and others', into outputs/bench/bench.csv and bench.md; ARGS=busy where others work, too
	for one in whole growth trainer floor operators tried steps accuracy restarts gpu gpu_many; do $(RUN) tests.benchmarks.$$one $(ARGS) || exit; done
	for one in epoch attacks leaders; do .venv-bench/bin/python -m tests.benchmarks.$$one $(ARGS) || exit; done
	$(RUN) tests.benchmarks.page

bench-test: .venv-bench/ready  ## our attacks against those of other libraries
	.venv-bench/bin/python -m pytest -q tests/test_peers.py tests/test_attacks.py

launch-test: .venv-launch/ready  ## sweeps by joblib, submitit and Ray; the W&B dashboard
	.venv-launch/bin/python -m pytest -q tests/test_launchers.py tests/test_workspace.py

.venv-bench/ready: tests/benchmarks/requirements.txt | .venv/ready
	$(call beside,.venv-bench)
	.venv-bench/bin/python -m pip install --quiet --no-deps --requirement $<
	@touch $@

.venv-launch/ready: pyproject.toml | .venv/ready
	$(call beside,.venv-launch)
	.venv-launch/bin/python -m pip install --quiet --editable '.[joblib,submitit,ray,workspace]'
	@touch $@

# An environment beside the project's packages, which it sees: torch is not installed twice.
beside = $(PYTHON) -m venv $(1); \
	.venv/bin/python -c 'import sysconfig as s; p = s.get_path("purelib"); \
	  open(p.replace("/.venv/", "/$(1)/") + "/project.pth", "w").write(f"import site; site.addsitedir({p!r})\n")'

clean:  ## remove .venv, .venv-bench, .venv-launch and the caches; outputs stay
	rm -rf .venv .venv-bench .venv-launch .pytest_cache .ruff_cache .mypy_cache *.egg-info

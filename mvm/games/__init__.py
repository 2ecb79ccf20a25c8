"""Game solvers, one file each: LightningModules that choose u (and v). See `mvm.games.game`."""

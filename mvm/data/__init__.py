"""Data sets as LightningDataModules, one file each. See `mvm.data.images`."""

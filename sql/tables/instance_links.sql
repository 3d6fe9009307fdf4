ALTER TABLE vmstate.instance
  ADD CONSTRAINT active_vmm_is_its_own
    FOREIGN KEY (id, active_propolis_id) REFERENCES vmstate.vmm (instance_id, id) DEFERRABLE,
  ADD CONSTRAINT destination_vmm_is_its_own
    FOREIGN KEY (id, destination_propolis_id) REFERENCES vmstate.vmm (instance_id, id) DEFERRABLE,
  ADD CONSTRAINT migration_is_its_own
    FOREIGN KEY (id, migration_id) REFERENCES vmstate.migration (instance_id, id) DEFERRABLE;

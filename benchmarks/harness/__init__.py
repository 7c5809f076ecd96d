"""What every measurement needs: its options, workers, records and clocks."""

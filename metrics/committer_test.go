package metrics

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCommitterClosesAGroupByItsWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups [][]int
		c := NewCommitter(10, func(weight int) int { return weight }, func(group []int) {
			time.Sleep(time.Second)
			groups = append(groups, group)
		})
		for _, weight := range []int{1, 4, 6, 20, 2} {
			if err := c.Add(t.Context(), weight); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		c.Close()
		want := [][]int{{1}, {4, 6}, {20}, {2}}
		if !slices.EqualFunc(groups, want, slices.Equal[[]int]) {
			t.Errorf("got groups %v, want %v", groups, want)
		}
	})
}

func TestCommitterKeepsTheOrderOfTheQueue(t *testing.T) {
	var got []int
	c := NewCommitter(7, func(int) int { return 1 }, func(group []int) { got = append(got, group...) })
	var wg sync.WaitGroup
	for sender := range 4 {
		wg.Go(func() {
			for i := range 100 {
				if err := c.Add(t.Context(), sender+4*i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c.Close()
	if len(got) != 400 {
		t.Fatalf("got %d items, want 400", len(got))
	}
	next := [4]int{}
	for _, item := range got {
		if sender := item % 4; item/4 != next[sender] {
			t.Fatalf("got item %d of sender %d, want %d", item/4, sender, next[sender])
		}
		next[item%4]++
	}
}

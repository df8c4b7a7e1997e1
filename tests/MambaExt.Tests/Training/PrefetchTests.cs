using MambaExt.Training;

namespace MambaExt.Tests.Training;

public sealed class PrefetchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public void Order_is_kept(int ahead) => Assert.Equal(Enumerable.Range(0, 200), Prefetch.Run(Enumerable.Range(0, 200), ahead));

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_exception_comes_where_its_item_would_have(int ahead)
    {
        List<int> taken = [];
        var error = Assert.Throws<InvalidDataException>(() => Within(() =>
        {
            foreach (int item in Prefetch.Run(Source(), ahead))
            {
                taken.Add(item);
            }
        }));
        Assert.Equal("item 3", error.Message);
        Assert.Equal([0, 1, 2], taken);

        static IEnumerable<int> Source()
        {
            for (int i = 0; i < 3; i++)
            {
                yield return i;
            }

            throw new InvalidDataException("item 3");
        }
    }

    [Fact]
    public void Items_are_made_ahead_and_no_further()
    {
        int made = 0;
        using IEnumerator<int> items = Prefetch.Run(Source(), 2).GetEnumerator();
        Assert.True(items.MoveNext());

        // One taken, two waiting, one in the producer's hand.
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref made) == 4, Patience));
        Thread.Sleep(50);
        Assert.Equal(4, Volatile.Read(ref made));

        IEnumerable<int> Source()
        {
            while (true)
            {
                yield return Interlocked.Increment(ref made);
            }
        }
    }

    [Fact]
    public void Whoever_stops_early_neither_hangs_nor_leaves_items_or_the_producer_behind()
    {
        List<Item> made = [];
        bool ended = false;
        Within(() =>
        {
            foreach (Item item in Prefetch.Run(Source(), 3))
            {
                if (item.Number == 1)
                {
                    break;
                }
            }
        });
        Assert.True(ended);
        Assert.Equal([false, false], made.Take(2).Select(i => i.Disposed));
        Assert.All(made.Skip(2), i => Assert.True(i.Disposed, $"item {i.Number}"));
        Assert.InRange(made.Count, 2, 6);

        IEnumerable<Item> Source()
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    made.Add(new Item(i));
                    yield return made[^1];
                }
            }
            finally
            {
                ended = true;
            }
        }
    }

    [Fact]
    public void Cancelling_ends_the_consumer_and_the_producer()
    {
        using var stop = new CancellationTokenSource();
        bool ended = false;
        int taken = 0;
        Assert.ThrowsAny<OperationCanceledException>(() => Within(() =>
        {
            foreach (int _ in Prefetch.Run(Source(), 2, stop.Token))
            {
                if (++taken == 3)
                {
                    stop.Cancel();
                }
            }
        }));
        Assert.True(ended);
        Assert.Equal(3, taken);

        IEnumerable<int> Source()
        {
            try
            {
                while (true)
                {
                    yield return 0;
                }
            }
            finally
            {
                ended = true;
            }
        }
    }

    [Fact]
    public void Nothing_is_made_before_the_first_item_is_asked_for()
    {
        bool asked = false;
        IEnumerable<int> items = Prefetch.Run(Source(), 2);
        Assert.False(asked);
        Assert.Equal([1], items);
        Assert.True(asked);

        IEnumerable<int> Source()
        {
            asked = true;
            yield return 1;
        }
    }

    private static void Within(Action action)
    {
        Task task = Task.Run(action);
        Assert.True(Task.WhenAny(task, Task.Delay(Patience)).GetAwaiter().GetResult() == task, "it hangs");
        task.GetAwaiter().GetResult();
    }

    private sealed class Item(int number) : IDisposable
    {
        public int Number => number;

        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}

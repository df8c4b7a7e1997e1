using MambaExt.Training;

namespace MambaExt.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Warm_up_rises_to_the_full_rate_and_stays()
    {
        var schedule = new LearningRateSchedule(new TrainingOptions { epochs = 3, warmup_steps = 4 }, 4);
        Assert.Equal(12, schedule.TotalSteps);
        Assert.Equal([0.25, 0.5, 0.75, 1, 1, 1], Enumerable.Range(0, 6).Select(i => schedule.Factor(i)));
        Assert.Equal(1, schedule.Factor(11));
    }

    [Fact]
    public void Cosine_begins_at_one_behind_the_warm_up_and_ends_with_the_last_step()
    {
        var schedule = new LearningRateSchedule(new TrainingOptions { epochs = 7, warmup_steps = 2, schedule = "cosine", final_learning_rate = 0.2 }, 1);

        // Steps 2 ... 6 are parts 0, 1/4, 1/2, 3/4, 1 of a half turn; cos 45 degrees is the root of 1/2.
        double quarter = 0.2 + (0.8 * 0.5 * (1 + Math.Sqrt(0.5))), threeQuarters = 0.2 + (0.8 * 0.5 * (1 - Math.Sqrt(0.5)));
        double[] expected = [0.5, 1, 1, quarter, 0.6, threeQuarters, 0.2, 0.2];
        Assert.All(expected.Select((e, i) => (e, i)), p => Assert.Equal(p.e, schedule.Factor(p.i), 1e-12));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 3)]
    [InlineData(3, 9)]
    public void Cosine_without_room_is_the_warm_up_alone(int steps, int warmup)
    {
        var schedule = new LearningRateSchedule(new TrainingOptions { epochs = steps, warmup_steps = warmup, schedule = "cosine" }, 1);
        Assert.All(Enumerable.Range(0, steps), i => Assert.Equal(warmup == 0 ? 1 : (i + 1.0) / warmup, schedule.Factor(i), 1e-12));
    }

    [Fact]
    public void Step_decay_counts_epochs_not_steps()
    {
        var schedule = new LearningRateSchedule(new TrainingOptions { epochs = 7, schedule = "step", decay_epochs = 2, decay_factor = 0.5 }, 3);
        double[] epochs = [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125];
        Assert.All(Enumerable.Range(0, 21), i => Assert.Equal(epochs[i / 3], schedule.Factor(i), 1e-12));
    }

    [Theory]
    [InlineData(0, 20)]
    [InlineData(7, 7)]
    [InlineData(20, 20)]
    [InlineData(500, 20)]
    public void The_steps_limit_is_the_smaller_of_the_two(int steps, long expected) =>
        Assert.Equal(expected, new LearningRateSchedule(new TrainingOptions { epochs = 5, steps = steps }, 4).TotalSteps);

    [Fact]
    public void The_steps_limit_moves_the_end_of_cosine()
    {
        var schedule = new LearningRateSchedule(new TrainingOptions { epochs = 5, steps = 5, schedule = "cosine" }, 4);
        Assert.Equal(1, schedule.Factor(0), 1e-12);
        Assert.Equal(0.5, schedule.Factor(2), 1e-12);
        Assert.Equal(0, schedule.Factor(4), 1e-12);
    }
}

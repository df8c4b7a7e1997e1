using MambaExt.Distill.Inference;
using MambaExt.Distill.Tests.Support;
using MambaExt.Distill.Training;

namespace MambaExt.Distill.Tests.Training;

/// <summary>The table of an experiment is made of its seeds by plain means.</summary>
public sealed class ResultTests(SmallRuns runs) : IClassFixture<SmallRuns>
{
    [Fact]
    public void Scores_are_means_over_seeds_beside_the_sample_deviation()
    {
        Outcome run = runs.Free;
        DistillPart there = Assert.Single(run.Trainings, p => p.evaluation is not null);
        double[] teacher = [91, 94, 95], first = [50, 50, 53], solo = [40, 44, 42], nll = [0.5, 0.25, 0.6], lost = [3, 1, 2];
        DistillPart[] seeds = [.. Enumerable.Range(0, 3).Select(seed => there with
        {
            seed = seed,
            evaluation = there.evaluation! with
            {
                teacher = there.evaluation.teacher with { accuracy = teacher[seed] }, right_then_wrong = lost[seed],
                prefixes = [.. there.evaluation.prefixes.Select(p => p with { scores = p.scores with { accuracy = first[seed] + p.students, nll = nll[seed] }, solo = p.solo with { accuracy = solo[seed] }, weight = seed })],
            },
        })];
        DistillResult result = run.Experiment.Result([.. run.Trainings.Where(p => p.evaluation is null), .. seeds], run.Folder);
        Assert.Equal(3, result.test_reads);
        Assert.Equal((91 + 94 + 95) / 3.0, result.teacher.accuracy, 9);

        // Squares of the distances from 280/3 over 2.
        Assert.Equal(Math.Sqrt(((7.0 / 3 * 7 / 3) + (2.0 / 3 * 2 / 3) + (5.0 / 3 * 5 / 3)) / 2), result.teacher.accuracy_std!.Value, 9);
        Assert.Equal([52, 53], result.prefixes.Select(p => p.accuracy));
        Assert.All(result.prefixes, p =>
        {
            Assert.Equal(Math.Sqrt(3), p.accuracy_std!.Value, 9);
            Assert.Equal(42, p.solo_accuracy, 9);
            Assert.Equal(2, p.solo_accuracy_std!.Value, 9);
            Assert.Equal(0.45, p.nll, 9);
            Assert.Equal(1, p.weight, 9);
        });
        Assert.Equal(2, result.right_then_wrong, 9);
    }

    [Theory]
    [InlineData(null, 0.2)]
    [InlineData(0.9, 0.9)]
    public void Saved_thresholds_are_calibrated_on_held_out_images_for_the_share_that_is_asked_for(double? share, double expected)
    {
        Outcome run = share is null ? runs.Free : runs.Run(recipe => recipe with { exit_share = share });
        using StudentGroup group = GroupFolder.Load(Path.Combine(run.Folder, "models", "group")).Group;
        float[][] prefixes = [.. Enumerable.Range(1, group.Count).Select(t => run.Task.HeldOut.Logits(x => group.Predict(x, t)))];
        Assert.True(expected < 0.5 || group.Flops[0] < 0.8 * group.Flops[^1]);
        ExitPoint point = EarlyExit.Calibrate(prefixes, run.Task.HeldOut.Labels, group.Flops, Math.Max(group.Flops[0], expected * group.Flops[^1]));
        Assert.All(group.About.thresholds!, theta => Assert.Equal(point.theta, theta, 1e-4));
    }
}

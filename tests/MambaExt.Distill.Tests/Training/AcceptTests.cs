using MambaExt.Data.Images;
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Students;
using MambaExt.Distill.Tests.Support;
using MambaExt.Distill.Training;

namespace MambaExt.Distill.Tests.Training;

/// <summary>Which students are kept: a small ladder on the digits whose second student needs a second try and whose third has none that helps.</summary>
public sealed class AcceptTests(SmallRuns ladders) : IClassFixture<SmallRuns>
{
    [Fact]
    public void A_student_that_gains_exactly_what_is_asked_is_kept_and_one_that_gains_less_is_not()
    {
        DistillPart second = ladders.Free.Students(2)[0];
        Assert.True(second.kept);
        double gain = second.gain!.Value;
        DistillPart at = ladders.Run(recipe => SmallRuns.Accept(recipe, gain, 1)).Students(2)[0];
        Assert.Equal(second.gain, at.gain);
        Assert.True(at.kept);
        DistillPart[] above = ladders.Run(recipe => SmallRuns.Accept(recipe, Math.BitIncrement(gain), 1)).Students(2);
        Assert.Equal((second.gain, true, false), (above[0].gain, above[0].trained, above[0].kept));
    }

    [Fact]
    public void A_second_try_is_twice_as_wide_reads_the_student_before_and_a_third_that_fails_ends_the_ladder()
    {
        Outcome run = ladders.Retried;
        DistillPart[] first = run.Students(1), second = run.Students(2), third = run.Students(3), fourth = run.Students(4);
        Assert.Equal([(true, true, "4x8x4x1"), (false, false, null)], first.Select(p => (p.trained, p.kept, p.size)));

        // Refused, then kept: wider, with the feature of the student before.
        Assert.Equal([(true, false, "4x6x2x1", false), (true, true, "4x12x2x1", true)], second.Select(p => (p.trained, p.kept, p.size!, p.reuse)));
        Assert.True(second[0].gain < SmallRuns.Asked && second[1].gain >= SmallRuns.Asked);
        Assert.Equal([(true, false, "4x1x1x1", false), (true, false, "4x2x1x1", true)], third.Select(p => (p.trained, p.kept, p.size!, p.reuse)));
        Assert.All(fourth, p => Assert.False(p.trained || p.kept));

        // What comes of it is the two students that were kept, with what they cost; so is what they are measured against.
        PatchMambaOptions like = run.Task.Recipe.Like;
        PatchMambaOptions[] kept = [like.WithSize("4x8x4x1"), like.WithSize("4x12x2x1") with { reuse = 8 }];
        long[] flops = [.. kept.Select(o => FlopCount.Total(o).flops)];
        long bodyBefore = FlopCount.Layers(kept[0]).Where(layer => layer.name != "head").Sum(layer => layer.flops);
        DistillResult result = run.Experiment.Result(run.Trainings, run.Folder);
        Assert.Equal([("4x8x4x1", flops[0], flops[0]), ("4x12x2x1", flops[0] + flops[1], flops[1] + bodyBefore)], result.prefixes.Select(p => (p.size, p.flops, p.solo_flops)));
        Assert.Equal(2, result.prefixes[1].students);
        Assert.InRange(result.single_student!.flops, (long)(0.5 * result.prefixes[1].flops), result.prefixes[1].flops);
        Assert.Equal([true, true, false, false], run.Of(DistillKey.WithoutTeacher).Select(p => p.trained));
        Assert.Equal(["4x8x4x1", "4x12x2x1"], run.Of(DistillKey.WithoutTeacher).Take(2).Select(p => p.size));
        Assert.False(Directory.Exists(Path.Combine(run.Folder, "models", "seed-0", "student-3")));
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    public void A_ladder_that_is_cut_at_a_try_ends_as_it_would_have(int student, int attempt)
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<OperationCanceledException>(() => ladders.Run(SmallRuns.Demanding, folder.Path, stopAt: new DistillKey(0, DistillKey.OfStudent, student, attempt)));
        Outcome resumed = ladders.Run(SmallRuns.Demanding, folder.Path, resume: true);
        Assert.Equal(ladders.Retried.Metrics, resumed.Metrics);
        Assert.Equal(ladders.Retried.Parts, resumed.Parts);
        Assert.Equal(ladders.Retried.Models, resumed.Models);
    }

    [Fact]
    public void A_boosted_run_keeps_students_whose_gain_is_asked_for()
    {
        Outcome run = ladders.Run(recipe => SmallRuns.Accept(recipe, 0.002, 2) with
        {
            students = ["4x8x4x1", "4x12x4x1", "2x12x4x1"],
            single = false,
            without_teacher = false,
            distill = SmallRuns.Accept(recipe, 0.002, 2).distill with { mode = "boosted", training = SmallRuns.Long },
        });
        DistillPart[] kept = [.. run.Of(DistillKey.OfStudent).Where(p => p.kept)];
        Assert.True(kept.Length >= 2, $"{kept.Length} kept: {string.Join(' ', run.Of(DistillKey.OfStudent).Select(p => $"{p.gain:g3}"))}");
        Assert.All(kept, p => Assert.True(p.gain >= 0.002));
    }

    [Theory]
    [InlineData("boosted")]
    [InlineData("residual")]
    public void Other_modes_that_are_cut_end_as_they_would_have(string mode)
    {
        using var folder = new TemporaryFolder();
        Outcome whole = ladders.Run(Change);
        Assert.Throws<OperationCanceledException>(() => ladders.Run(Change, folder.Path, stopAt: new DistillKey(0, DistillKey.OfStudent, 2)));
        Outcome resumed = ladders.Run(Change, folder.Path, resume: true);
        Assert.Equal((whole.Metrics, whole.Parts, whole.Models), (resumed.Metrics, resumed.Parts, resumed.Models));

        DistillRecipe Change(DistillRecipe recipe) => recipe with { students = ["4x4x2x1", "4x4x2x1", "4x4x2x1"], distill = recipe.distill with { mode = mode, reuse = true } };
    }

    [Fact]
    public void Test_images_and_their_labels_decide_nothing_that_is_trained_chosen_or_kept()
    {
        ImageDataSet digits = SmallRuns.Digits;
        var test = (MemoryImages)digits.Test;
        byte[] turned = [.. test.Pixels.ToArray().Chunk(64).SelectMany(image => image.Reverse())];
        int[] labels = [.. test.Labels.Select(y => (y + 3) % 10)];
        var other = new ImageDataSet(digits.Name, digits.Train, new MemoryImages(turned, 1, test.Size!.Value, labels), digits.ClassNames, digits.Variant, digits.Files);
        Outcome before = ladders.Free, after = ladders.Run(recipe => recipe, data: other);
        Assert.Equal(before.Models, after.Models);
        Assert.Equal(before.Metrics, after.Metrics);
        Assert.Contains("group/config.json", before.Models, StringComparison.Ordinal);
        Evaluation one = Assert.Single(before.Trainings, p => p.evaluation is not null).evaluation!, two = Assert.Single(after.Trainings, p => p.evaluation is not null).evaluation!;
        Assert.Equal(one.early_exit.Select(e => e.theta), two.early_exit.Select(e => e.theta));
        Assert.Equal(one.prefixes.Select(p => p.weight), two.prefixes.Select(p => p.weight));
        Assert.True(one.teacher.accuracy - two.teacher.accuracy > 20, $"{one.teacher.accuracy}, {two.teacher.accuracy}");
    }
}

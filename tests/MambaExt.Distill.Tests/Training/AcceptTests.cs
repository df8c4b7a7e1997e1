using MambaExt.Runs;
using System.Security.Cryptography;
using MambaExt.Data.Images;
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Distill.Tests.Support;
using MambaExt.Distill.Training;
using MambaExt.Training;

namespace MambaExt.Distill.Tests.Training;

/// <summary>Which students are kept: a small ladder on the digits whose second student needs a second try and whose third has none that helps.</summary>
public sealed class AcceptTests(AcceptTests.Ladders ladders) : IClassFixture<AcceptTests.Ladders>
{
    [Fact]
    public void A_student_that_gains_exactly_what_is_asked_is_kept_and_one_that_gains_less_is_not()
    {
        DistillPart second = ladders.Free.Students(2)[0];
        Assert.True(second.kept);
        double gain = second.gain!.Value;
        DistillPart at = ladders.Run(recipe => Accept(recipe, gain, 1)).Students(2)[0];
        Assert.Equal(second.gain, at.gain);
        Assert.True(at.kept);
        DistillPart[] above = ladders.Run(recipe => Accept(recipe, Math.BitIncrement(gain), 1)).Students(2);
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
        Assert.True(second[0].gain < Ladders.Asked && second[1].gain >= Ladders.Asked);
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
    [InlineData(DistillKey.OfStudent, 2, 0)]
    [InlineData(DistillKey.OfStudent, 2, 1)]
    [InlineData(DistillKey.OfStudent, 3, 1)]
    [InlineData(DistillKey.WithoutTeacher, 2, 0)]
    public void A_ladder_that_is_cut_at_a_try_ends_as_it_would_have(string part, int student, int attempt)
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<OperationCanceledException>(() => ladders.Run(Ladders.Demanding, folder.Path, stopAt: new DistillKey(0, part, student, attempt)));
        Outcome resumed = ladders.Run(Ladders.Demanding, folder.Path, resume: true);
        Assert.Equal(ladders.Retried.Metrics, resumed.Metrics);
        Assert.Equal(ladders.Retried.Parts, resumed.Parts);
        Assert.Equal(ladders.Retried.Models, resumed.Models);
    }

    [Fact]
    public void A_boosted_run_keeps_students_whose_gain_is_asked_for()
    {
        Outcome run = ladders.Run(recipe => Accept(recipe, 0.002, 2) with
        {
            students = ["4x8x4x1", "4x12x4x1", "2x12x4x1"], single = false, without_teacher = false, distill = Accept(recipe, 0.002, 2).distill with { mode = "boosted", training = Ladders.Long },
        });
        DistillPart[] kept = [.. run.Of(DistillKey.OfStudent).Where(p => p.kept)];
        Assert.True(kept.Length >= 2, $"{kept.Length} kept: {string.Join(' ', run.Of(DistillKey.OfStudent).Select(p => $"{p.gain:g3}"))}");
        Assert.All(kept, p => Assert.True(p.gain >= 0.002));
    }

    private static DistillRecipe Accept(DistillRecipe recipe, double least, int tries) => recipe with { distill = recipe.distill with { accept = least, tries = tries } };

    /// <summary>A run and what it left.</summary>
    public sealed record Outcome(DistillTask Task, DistillExperiment Experiment, IReadOnlyList<DistillPart> Trainings, string Folder, string Metrics, string Models)
    {
        /// <summary>Every training but for its seconds.</summary>
        public string Parts => System.Text.Json.JsonSerializer.Serialize(Trainings.Select(p => p with { seconds = 0 }));

        public DistillPart[] Of(string part) => [.. Trainings.Where(p => p.part == part)];

        public DistillPart[] Students(int t) => [.. Of(DistillKey.OfStudent).Where(p => p.student == t)];
    }

    public sealed class Ladders : IDisposable
    {
        /// <summary>Between what the narrow and the wide second student gain.</summary>
        public const double Asked = 0.2;

        private readonly TemporaryFolder _folder = new();
        private readonly ImageDataSet _digits = ImageDataSets.Load("digits");
        private Outcome? _free, _retried;
        private int _made;

        public static TrainingOptions Long { get; } = new() { epochs = 8, patience = 0, learning_rate = 0.01, schedule = "cosine", clip = 1, validate_every = 8 };

        /// <summary>Every student is kept.</summary>
        public Outcome Free => _free ??= Run(recipe => recipe);

        public Outcome Retried => _retried ??= Run(Demanding);

        public static DistillRecipe Demanding(DistillRecipe recipe) => Accept(recipe, Asked, 2) with
        {
            students = ["4x8x4x1", "4x6x2x1", "4x1x1x1", "4x8x4x1"], single = true, without_teacher = true,
        };

        /// <param name="change">Of the small recipe</param>
        /// <param name="path">Default a new one</param>
        /// <param name="stopAt">Cut in the first epoch that is reported of this training</param>
        /// <param name="resume">Go on in the folder</param>
        public Outcome Run(Func<DistillRecipe, DistillRecipe> change, string? path = null, DistillKey? stopAt = null, bool resume = false)
        {
            path ??= Path.Combine(_folder.Path, $"{++_made}");
            TrainingOptions quick = Long with { epochs = 4, validate_every = 2 };
            DistillTask task = DistillTask.Prepare(_digits, change(DistillRecipes.For(_digits) with
            {
                teacher_options = new PatchMambaOptions().WithSize("4x12x4x1"), teacher_training = quick, students = ["4x8x4x1", "4x6x2x1"], draws = 2, single = false, without_teacher = false,
                distill = new DistillOptions { batch_size = 64, training = quick },
            }));
            int threads = Compute.Threads;
            Compute.Threads = 1;
            try
            {
                using var stop = new CancellationTokenSource();
                using RunFolder folder = resume ? RunFolder.Open(path) : new RunFolder(path);
                folder.WriteConfig(new { });
                var experiment = new Experiment<DistillKey, DistillPart>(folder, TimeSpan.FromHours(1));
                if (resume)
                {
                    experiment.Resume();
                }

                var whole = new DistillExperiment(task, 1)
                {
                    Epoch = (key, _) =>
                    {
                        if (key == stopAt)
                        {
                            stop.Cancel();
                        }
                    },
                };
                IReadOnlyList<DistillPart> parts = whole.Train(experiment, path, stop.Token);
                folder.Dispose();
                return new Outcome(task, whole, parts, path, File.ReadAllText(Path.Combine(path, "metrics.jsonl")), Digest(Path.Combine(path, "models")));
            }
            finally
            {
                Compute.Threads = threads;
            }
        }

        public void Dispose() => _folder.Dispose();

        private static string Digest(string folder) => string.Join('\n', Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetRelativePath(folder, file)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}"));
    }
}

using MambaExt.Distill.Inference;
using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Distill.Tests.Support;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Stages;

/// <summary>Whole stages on pictures that are learned in a second.</summary>
public sealed class ProgressionTests
{
    private static readonly TrainingOptions Quick = new() { epochs = 12, patience = 0, learning_rate = 0.02, weight_decay = 0.01, schedule = "cosine", validate_every = 12 };

    public static TheoryData<string, bool> Modes => new() { { "joint", false }, { "joint", true }, { "residual", false }, { "boosted", false }, { "independent", false } };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Stages_leave_the_teacher_alone_and_keep_exact_prefixes(string mode, bool reuse)
    {
        var images = new Pictures(320);
        var heldOut = new Pictures(120, seed: 2).Plain();
        using PatchMamba teacherModel = images.Trained("4x12x4x1");
        using var teacher = new ModuleTeacher(teacherModel, Pictures.Kinds);
        string before = Digest(teacherModel);
        using var students = new Progression(images, heldOut, teacher, new DistillOptions { mode = mode, reuse = reuse, batch_size = 40, training = Quick }, 3);
        foreach (string size in new[] { "4x4x2x1", "4x6x2x1", "4x8x2x1" })
        {
            StageResult stage = students.Train(Pictures.Like.WithSize(size), 5, reuse);
            Assert.True(stage.HeldOut.accuracy > 40, $"{mode}, {size}: {stage.HeldOut.accuracy} of 25 by chance");
            students.Add(stage);
        }

        Assert.Equal(before, Digest(teacherModel));

        // Weights come of the held-out images alone, and every later student has learned something of its own.
        float[][] held = [.. Enumerable.Range(0, 3).Select(u => heldOut.Logits(x => students.Students[u].Logits(x, u > 0 ? students.Students[u - 1] : null)))];
        double[]? last = null;
        for (int t = 1; t <= 3; t++)
        {
            last = PrefixRefit.Fit(held[..t], heldOut.Labels, last).Weights;
            Assert.Equal(last, students.Weights[t - 1]);
            double alone = Scores.Of(held[t - 1], heldOut.Labels).accuracy;
            Assert.True(mode is not ("joint" or "independent") || alone > 40, $"{mode}, student {t} alone: {alone}");
        }

        // The group from its own files says of every image what the stages' own caches say, which were brought up to date student by student.
        using DisposeScope scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using (StudentGroup made = Group(students))
        {
            GroupFolder.Save(folder.Path, made, ["a", "b", "c", "d"]);
        }

        using StudentGroup group = GroupFolder.Load(folder.Path).Group;
        Tensor x = images.Read(Enumerable.Range(0, 50).ToArray(), 1);
        Tensor? prefix = null;
        IReadOnlyList<Tensor> solo = group.Solo(x);
        for (int t = 1; t <= 3; t++)
        {
            prefix = students.Mode.Combine(prefix, solo[t - 1], t, students.Students[t - 1].Scales());
        }

        TensorAssert.Close(students.Prefix.Whole(1)!.narrow(0, 0, 50), prefix, 1e-5, "prefix");
        float[] whole = heldOut.Logits(group.forward);
        Assert.Equal(Scores.Of(whole, heldOut.Labels).nll, Scores.Of(Progression.Mixture([.. SoloOf(group, heldOut)], students.Weights[2]), heldOut.Labels).nll, 4);
    }

    [Fact]
    public void The_same_seed_trains_the_same_student()
    {
        var images = new Pictures(200);
        var heldOut = new Pictures(60, seed: 2).Plain();
        using var teacher = new ModuleTeacher(images.Trained("4x8x2x1", 2), Pictures.Kinds, owns: true);
        using DisposeScope scope = NewDisposeScope();
        string[] digests = [.. Enumerable.Range(0, 3).Select(i =>
        {
            using var students = new Progression(images, heldOut, teacher, new DistillOptions { batch_size = 40, training = Quick }, 1);
            StageResult stage = students.Train(Pictures.Like.WithSize("4x4x2x1"), i == 2 ? 8 : 7, false);
            students.Add(stage);
            return Digest(stage.Student.Model);
        })];
        Assert.Equal(digests[0], digests[1]);
        Assert.NotEqual(digests[0], digests[2]);
    }

    [Fact]
    public void Features_by_path_train_a_student_and_their_adapter_is_thrown_away()
    {
        var images = new Pictures(120);
        var heldOut = new Pictures(40, seed: 2).Plain();
        using var teacher = new ModuleTeacher(images.Trained("4x12x2x1", 1), Pictures.Kinds, owns: true);
        IReadOnlyList<LossTerm> losses = LossTerm.Parse("ce:1,fitnets:1:student=layers.0:teacher=layers.0,at:10:student=layers.0:teacher=patch_embed");
        using var students = new Progression(images, heldOut, teacher, new DistillOptions { losses = losses, training = Quick with { epochs = 2 }, batch_size = 40 }, 1);
        StageResult stage = students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false);
        students.Add(stage);
        Assert.Equal((4 * 12) + 12, stage.AdapterParameters);
        Assert.Equal(["prefix.ce", "solo.ce", "fitnets(layers.0)", "at(layers.0)"], students.Terms.Keys);
        Assert.All(students.Terms.Values, value => Assert.True(value > 0));
    }

    [Fact]
    public void The_map_of_a_hint_is_trained_with_the_student()
    {
        // It is among what a stage trains, and what it maps comes near to what it is compared with.
        var images = new Pictures(120, draws: 1);
        using var teacher = new ModuleTeacher(images.Trained("4x12x2x1", 1), Pictures.Kinds, owns: true);
        using DisposeScope scope = NewDisposeScope();
        var hint = new LossTerm("fitnets", 1) { student_path = "norm", teacher_path = "norm" };
        manual_seed(4);
        using var module = new StageModule(Pictures.Like.WithSize("4x4x2x1"), [hint.Create([1, 4, 4], [1, 4, 12])], ["fitnets(norm)"]);
        Assert.Equal(["adapters.0.bias", "adapters.0.weight"], module.named_parameters().Select(p => p.name).Where(name => name.StartsWith("adapters", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

        using var students = new Progression(images, new Pictures(40, seed: 2).Plain(), teacher, new DistillOptions { losses = [new LossTerm("ce", 1e-9), hint], training = Quick with { epochs = 1, validate_every = 1 }, batch_size = 40 }, 1);
        students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false).Student.Model.Dispose();
        double first = students.Terms["fitnets(norm)"];
        using var longer = new Progression(images, new Pictures(40, seed: 2).Plain(), teacher, new DistillOptions { losses = [new LossTerm("ce", 1e-9), hint], training = Quick with { epochs = 30, validate_every = 30 }, batch_size = 40 }, 1);
        longer.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false).Student.Model.Dispose();
        Assert.True(longer.Terms["fitnets(norm)"] < 0.6 * first, $"{first} to {longer.Terms["fitnets(norm)"]}");
    }

    [Theory]
    [InlineData("joint")]
    [InlineData("boosted")]
    public void Kept_logits_train_the_student_that_their_teacher_trains(string mode)
    {
        var images = new Pictures(120);
        HeldOut heldOut = new Pictures(40, seed: 2).Plain();
        using var folder = new TemporaryFolder();
        using PatchMamba model = images.Trained("4x8x2x1", 2);
        using var teacher = new ModuleTeacher(model, Pictures.Kinds);
        using DisposeScope scope = NewDisposeScope();
        using (var cache = new LogitCache(images))
        {
            for (int draw = 0; draw < images.Draws; draw++)
            {
                cache.Whole(images, draw, teacher.Of);
            }

            cache.Save(folder.File("logits.safetensors"));
        }

        using var kept = new LogitTeacher(LogitCache.Load(folder.File("logits.safetensors")), flops: 12345, parameters: 6);
        string[] digests = [.. new ITeacher[] { teacher, kept }.Select(one =>
        {
            using var students = new Progression(images, heldOut, one, new DistillOptions { mode = mode, batch_size = 40, training = Quick with { epochs = 4, validate_every = 2 } }, 2);
            students.Add(students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false));
            students.Add(students.Train(Pictures.Like.WithSize("4x4x2x1"), 2, true));
            return string.Concat(students.Students.Select(s => Digest(s.Model)));
        })];
        Assert.Equal(digests[0], digests[1]);
        Assert.Equal((12345, 6), (kept.Flops, kept.Parameters));
        Refusal.Of<InvalidOperationException>(() => new Progression(new Pictures(120, noise: 1), heldOut, kept, new DistillOptions { training = Quick }, 1).Train(Pictures.Like.WithSize("4x4x2x1"), 1, false), "kept logits belong to");
    }

    [Theory]
    [InlineData("joint")]
    [InlineData("residual")]
    [InlineData("independent")]
    public void Logits_that_are_computed_live_train_the_student_that_kept_ones_train(string mode)
    {
        // The same pixels whatever the draw: once with logits that are kept of one draw, once with none kept.
        HeldOut heldOut = new Pictures(40, seed: 2).Plain();
        using DisposeScope scope = NewDisposeScope();
        float[][] trained = [.. new[] { 1, 0 }.Select(draws =>
        {
            var images = new Pictures(120, draws, still: true);
            using var teacher = new ModuleTeacher(images.Trained("4x8x2x1", 2), Pictures.Kinds, owns: true);
            using var students = new Progression(images, heldOut, teacher, new DistillOptions { mode = mode, batch_size = 40, training = Quick with { epochs = 3, validate_every = 3 } }, 2);
            students.Add(students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false));
            students.Add(students.Train(Pictures.Like.WithSize("4x6x2x1"), 2, true));
            return heldOut.Logits(x => students.Students[1].Logits(x, students.Students[0]));
        })];
        Assert.Equal(0, trained[0].Zip(trained[1], (a, b) => Math.Abs(a - b)).Max(), 1e-3);
        Assert.True(trained[0].Max() - trained[0].Min() > 0.5);
    }

    [Fact]
    public void An_epoch_reads_its_own_draw()
    {
        foreach (int draws in new[] { 3, 0 })
        {
            var images = new Pictures(40, draws);
            using var teacher = new ModuleTeacher(new Pictures(40).Trained("4x4x2x1", 1), Pictures.Kinds, owns: true);
            using var students = new Progression(images, new Pictures(20, seed: 2).Plain(), teacher, new DistillOptions { mode = "independent", batch_size = 40, training = Quick with { epochs = 5, validate_every = 5 } }, 1);
            students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false).Student.Model.Dispose();
            Assert.Equal(draws > 0 ? [0, 1, 2] : [1, 2, 3, 4, 5], images.Drawn.Distinct().Order());
        }
    }

    [Fact]
    public void A_distillation_head_learns_from_the_teacher_alone()
    {
        var images = new Pictures(320);
        var heldOut = new Pictures(40, seed: 2).Plain();
        using var teacher = new ModuleTeacher(images.Trained("4x12x2x1", 12), Pictures.Kinds, owns: true);
        var options = new DistillOptions { mode = "independent", losses = LossTerm.Parse("ce:0.5,deit-hard:0.5"), distillation_head = true, training = Quick, batch_size = 40 };
        using var students = new Progression(images, heldOut, teacher, options, 1);
        StageResult stage = students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false);
        students.Add(stage);
        Assert.True(stage.Options.distillation_head);
        Assert.Equal(["solo.ce", "solo.deit-hard"], students.Terms.Keys);
        Assert.True(stage.HeldOut.accuracy > 40);
    }

    [Fact]
    public void Draws_without_numbers_are_answered_live_or_refused()
    {
        var images = new Pictures(80, draws: 0);
        var heldOut = new Pictures(40, seed: 2).Plain();
        using var teacher = new ModuleTeacher(new Pictures(80).Trained("4x8x2x1", 1), Pictures.Kinds, owns: true);
        using (var students = new Progression(images, heldOut, teacher, new DistillOptions { training = Quick with { epochs = 1, validate_every = 1 }, batch_size = 40 }, 2))
        {
            students.Add(students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false));
            students.Add(students.Train(Pictures.Like.WithSize("4x4x2x1"), 2, false));
            Assert.Equal(2, students.Students.Count);
        }

        Refusal.Of<ArgumentException>(() => _ = new Progression(images, heldOut, teacher, new DistillOptions { mode = "boosted" }, 2), "boosted", "numbered draws");
    }

    [Fact]
    public void What_does_not_fit_is_named_before_anything_is_trained()
    {
        var images = new Pictures(20);
        HeldOut heldOut = images.Plain();
        using var other = new ModuleTeacher(new PatchMamba((Pictures.Like with { classes = 7 }).WithSize("4x4x2x1")), 7, owns: true);
        Refusal.Of<ArgumentException>(() => _ = new Progression(images, heldOut, other, new DistillOptions(), 1), "teacher has 7 classes", "images 4");
        Refusal.Of<ArgumentException>(() => _ = new Progression(images, heldOut, null, new DistillOptions(), 1), "compares with a teacher", "ce alone");
        using var liar = new ModuleTeacher(new PatchMamba((Pictures.Like with { classes = 7 }).WithSize("4x4x2x1")), 4, owns: true);
        using DisposeScope scope = NewDisposeScope();
        Refusal.Of<ArgumentException>(() => liar.Whole(images, 0), "answers with [20, 7]", "[B, 4]");
        using var logits = new LogitTeacher(new LogitCache(images));
        var features = new DistillOptions { losses = LossTerm.Parse("ce:1,at:1:student=norm:teacher=norm") };
        using var students = new Progression(images, heldOut, logits, features, 1);
        Refusal.Of<ArgumentException>(() => students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false), "only logits");
        Assert.Throws<ArgumentException>(() => new DistillOptions { lambda_solo = -1, batch_size = 0, tries = 3 }.Validate());
    }

    internal static StudentGroup Group(Progression students, IReadOnlyList<double>? thresholds = null)
    {
        var group = new StudentGroup(new GroupDescription(
            GroupDescription.Kind, "pictures", "own", students.Mode.Name, [.. students.Students.Select(s => s.Model.Options)],
            [.. students.Weights.Select(row => (IReadOnlyList<double>)row)], [0f], [1f], thresholds));
        group.CopyFrom([.. students.Students.Select(s => s.Model)]);
        return group;
    }

    private static IEnumerable<float[]> SoloOf(StudentGroup group, HeldOut images) => Enumerable.Range(0, group.Count).Select(u => images.Logits(x => group.Solo(x)[u]));

    private static string Digest(nn.Module model) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
        [.. model.parameters().Select(p => (Tensor)p).Concat(model.buffers()).SelectMany(t => t.detach().contiguous().bytes.ToArray())]));
}

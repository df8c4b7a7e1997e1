using MambaExt.Distill.Losses;

namespace MambaExt.Distill.Tests.Losses;

public sealed class LossTermTests
{
    [Fact]
    public void Words_become_terms()
    {
        IReadOnlyList<LossTerm> terms = LossTerm.Parse("ce:0.5:smoothing=0.1, kd:0.5:temperature=2,fitnets:2:student=layers.0:teacher=layers.1:adapter=false");
        Assert.Equal(
            [
                new LossTerm("ce", 0.5) { smoothing = 0.1 }, new LossTerm("kd", 0.5) { temperature = 2 },
                new LossTerm("fitnets", 2) { student_path = "layers.0", teacher_path = "layers.1", adapter = false },
            ],
            terms);
        Assert.All(LossTerm.Names, name => Assert.Equal(name is "fitnets" or "at" ? $"{name}(s)" : name, new LossTerm(name, 1) { student_path = "s", teacher_path = "t" }.Create([1, 2], [1, 3]).Name));
    }

    /// <summary>Terms that were made in code, or read from a file, are checked like words.</summary>
    [Fact]
    public void Constants_that_a_loss_does_not_have_are_named()
    {
        (LossTerm Term, string Key)[] wrong =
        [
            (new("ce", 1) { temperature = 2 }, "temperature"), (new("kd", 1) { alpha = 1 }, "alpha"), (new("dist", 1) { warmup_epochs = 3 }, "warmup_epochs"), (new("kd", 1) { beta = 1 }, "beta"),
            (new("dkd", 1) { gamma = 1 }, "gamma"), (new("dkd", 1) { smoothing = 0.1 }, "smoothing"), (new("ce", 1) { student_path = "norm" }, "student"), (new("ce", 1) { teacher_path = "norm" }, "teacher"),
            (new("at", 1) { student_path = "a", teacher_path = "b", adapter = false }, "adapter"),
        ];
        Assert.All(wrong, w => Assert.StartsWith($"The loss {w.Term.name} has no constant '{w.Key}'", Assert.Single(w.Term.Problems())));
        LossTerm[] right =
        [
            new("ce", 1) { smoothing = 0.1 }, new("kd", 1) { temperature = 2 }, new("dkd", 1) { temperature = 2, alpha = 1, beta = 2, warmup_epochs = 3 }, new("dist", 1) { temperature = 2, beta = 1, gamma = 1 },
            new("logit-std", 1) { temperature = 2 }, new("deit-soft", 1) { temperature = 2 }, new("deit-hard", 1), new("fitnets", 1) { student_path = "a", teacher_path = "b", adapter = false },
        ];
        Assert.All(right, term => Assert.Empty(term.Problems()));
    }

    [Theory]
    [InlineData("kdd:1", "no loss 'kdd'", "did you mean kd")]
    [InlineData("kd", "'kd' is no loss", "name:weight")]
    [InlineData("kd:0", "weight of loss kd is 0", "above 0")]
    [InlineData("kd:1:temperature=-1", "temperature of loss kd is -1", "above 0")]
    [InlineData("kd:1:tau=2", "no constant 'tau'", "temperature")]
    [InlineData("ce:1:temperature=4", "loss ce has no constant 'temperature'", "allowed are smoothing")]
    [InlineData("kd:1:alpha=3", "loss kd has no constant 'alpha'", "allowed are temperature")]
    [InlineData("kd:1:smoothing=0", "loss kd has no constant 'smoothing'", "allowed are temperature")]
    [InlineData("dist:1:alpha=1", "loss dist has no constant 'alpha'", "temperature, beta, gamma")]
    [InlineData("deit-hard:1:temperature=2", "loss deit-hard has no constant 'temperature'", "it has none")]
    [InlineData("at:1:student=a:teacher=b:adapter=false", "loss at has no constant 'adapter'", "student, teacher")]
    [InlineData("kd:1:student=a", "loss kd has no constant 'student'", "temperature")]
    [InlineData("dkd:1:gama=1", "loss dkd has no constant 'gama'", "alpha, beta", "warmup_epochs")]
    [InlineData("dkd:1:temperatur=1", "did you mean temperature")]
    [InlineData("dkd:1:warmup_epochs=1.5", "warmup_epochs of loss dkd is '1.5'", "whole number")]
    [InlineData("dkd:1:warmup_epochs=-1", "warmup_epochs of loss dkd is -1", "0 or more")]
    [InlineData("dkd:1:beta=-8", "beta of loss dkd is -8", "0 or more")]
    [InlineData("at:1", "does not say which", "student_path")]
    public void What_cannot_be_read_is_named(string text, params string[] words) => Refusal.Of<ArgumentException>(() => LossTerm.Parse(text), words);
}

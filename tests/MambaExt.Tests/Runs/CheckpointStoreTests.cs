using System.Security.Cryptography;
using System.Text;
using MambaExt.Checkpoints;
using MambaExt.Runs;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Tests.Runs;

public sealed class CheckpointStoreTests : TensorTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private CheckpointStore Store => new(Path.Combine(_folder.Path, "checkpoint"));

    void IDisposable.Dispose()
    {
        base.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_two_newest_are_kept_and_the_newest_is_read()
    {
        Assert.Null(Store.Latest());
        for (int i = 1; i <= 4; i++)
        {
            Save(i);
            Assert.Equal(i == 1 ? [1] : [i - 1, i], Numbers());
        }

        Assert.Equal(4, Latest());
        Save(5);
        Assert.Equal([4, 5], Numbers());
    }

    [Fact]
    public void Tensors_come_back_in_type_shape_and_bits()
    {
        Tensor[] tensors = [rand(3, 4), rand(2).to(ScalarType.BFloat16), rand(1, ScalarType.Float64), tensor(7L), get_rng_state(), rand(4, 6).t()];
        using (var state = new StateBag())
        {
            for (int i = 0; i < tensors.Length; i++)
            {
                state.Tensors[$"t.{i}"] = tensors[i];
            }

            Store.Save(state);
        }

        Assert.All(tensors, t => Assert.False(t.IsInvalid));
        using StateBag read = Store.Latest()!;
        Assert.True(read.OwnsTensors);
        for (int i = 0; i < tensors.Length; i++)
        {
            TensorAssert.Same(tensors[i], read.Tensor($"t.{i}"));
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void A_torn_newest_leaves_the_one_before_it_and_is_told(double share)
    {
        Save(1);
        Save(2);
        using (FileStream torn = File.OpenWrite(PathOf(2)))
        {
            torn.SetLength((long)(torn.Length * share));
        }

        List<string> told = [];
        Assert.Equal(1, Latest(told.Add));
        Assert.StartsWith("The checkpoint 2 is damaged and left aside: ", Assert.Single(told), StringComparison.Ordinal);
        Save(3);
        Assert.Equal(3, Latest());
    }

    [Fact]
    public void Both_torn_is_no_checkpoint()
    {
        Save(1);
        Save(2);
        File.WriteAllBytes(PathOf(1), [1, 2, 3]);
        File.WriteAllBytes(PathOf(2), []);
        List<string> told = [];
        Assert.Null(Store.Latest(told.Add));
        Assert.Equal(2, told.Count);
    }

    [Fact]
    public void What_a_killed_run_was_writing_is_removed_and_other_files_are_not()
    {
        Save(1);
        File.WriteAllText(PathOf(2) + ".partial", "half");
        string mine = Path.Combine(Store.Folder, "notes.txt"), odd = Path.Combine(Store.Folder, "best.safetensors");
        File.WriteAllText(mine, "");
        File.WriteAllText(odd, "");
        Assert.Equal(1, Latest());
        Assert.Equal([PathOf(1), odd, mine], Directory.GetFiles(Store.Folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_state_that_is_not_the_one_that_was_written_is_damaged()
    {
        Save(1);
        Write(2, "{\"n\":2}", "{\"n\":3}");
        List<string> told = [];
        Assert.Equal(1, Latest(told.Add));
        Assert.Contains("has no whole state", Assert.Single(told), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{\"n\":2,\"n\":3}")]
    public void A_state_that_is_no_JSON_object_is_damaged(string values)
    {
        Save(1);
        Write(2, values);
        List<string> told = [];
        Assert.Equal(1, Latest(told.Add));
        Assert.DoesNotContain('\n', Assert.Single(told));
    }

    [Fact]
    public void Deep_JSON_is_damaged()
    {
        Save(1);
        Write(2, string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000));
        Assert.Equal(1, Latest());
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_said_in_a_sentence()
    {
        var below = new CheckpointStore(Path.Combine(_folder.Write("file"), "checkpoint"));
        using var state = new StateBag();
        Refusal.Of<IOException>(() => below.Save(state), "could not be written", "no checkpoint yet");
    }

    [Fact]
    public void Values_that_are_missing_or_of_another_kind_are_one_sentence()
    {
        using var bag = new StateBag { Values = new() { ["step"] = "three", ["list"] = new System.Text.Json.Nodes.JsonArray(), ["big"] = 1e300 } };
        Refusal.Of<InvalidDataException>(() => bag.Value<int>("epoch"), "no 'epoch'", "start it anew");
        Refusal.Of<InvalidDataException>(() => bag.Value<int>("step"), "'step' is \"three\"", "start the run anew");
        Refusal.Of<InvalidDataException>(() => bag.Value<int>("list"), "'list'", "start the run anew");
        Refusal.Of<InvalidDataException>(() => bag.Value<int>("big"), "'big'", "start the run anew");
        Refusal.Of<InvalidDataException>(() => bag.Tensor("model.w"), "no 'model.w'");
        bag.Tensors["w"] = zeros(2);
        Refusal.Of<InvalidDataException>(() => bag.CopyTo("w", zeros(3)), "[2]", "[3]");
        Refusal.Of<InvalidDataException>(() => bag.CopyTo("w", zeros(2, ScalarType.Float64)), "Float32", "Float64");
    }

    private void Save(int n)
    {
        using var state = new StateBag { Values = new() { ["n"] = n } };
        state.Tensors["w"] = full(50, n);
        Store.Save(state);
    }

    /// <summary>A well-formed file around any state; its digest is that of <paramref name="digested"/>.</summary>
    private void Write(int number, string values, string? digested = null) => SafetensorsTensors.Save(
        PathOf(number), [], new Dictionary<string, string> { ["state"] = values, ["state_sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(digested ?? values))) });

    private int Latest(Action<string>? told = null)
    {
        using StateBag state = Store.Latest(told)!;
        int n = state.Value<int>("n");
        Assert.True(state.Tensor("w").eq(n).all().item<bool>());
        return n;
    }

    private string PathOf(int number) => Path.Combine(Store.Folder, $"{number:000000}.safetensors");

    private int[] Numbers() => [.. Directory.GetFiles(Store.Folder).Select(f => int.Parse(Path.GetFileNameWithoutExtension(f), System.Globalization.CultureInfo.InvariantCulture)).Order()];
}

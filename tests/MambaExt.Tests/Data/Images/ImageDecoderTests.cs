using System.Buffers.Binary;
using CsCheck;
using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using SkiaSharp;
using Xunit;

namespace MambaExt.Tests.Data.Images;

public sealed class ImageDecoderTests
{
    [Theory]
    [InlineData(255)]
    [InlineData(90)]
    public void Png_gives_back_every_pixel(byte alpha)
    {
        byte[] scratch = [];
        ImageView image = ImageDecoder.Decode(Pictures.Encode(7, 11, alpha: alpha), "x.png", 3, ref scratch);
        Assert.Equal((3, new ImageSize(7, 11), 3 * 77), (image.Channels, image.Size, image.Pixels.Length));
        for (int y = 0; y < 7; y++)
        {
            for (int x = 0; x < 11; x++)
            {
                int at = (y * 11) + x;
                Assert.Equal((Pictures.Red(x, 11), Pictures.Green(y, 7), 40), (image.Pixels.Span[at], image.Pixels.Span[77 + at], image.Pixels.Span[154 + at]));
            }
        }
    }

    [Fact]
    public void One_channel_is_gray()
    {
        byte[] scratch = [];
        ImageView image = ImageDecoder.Decode(Pictures.Encode(7, 11), "x.png", 1, ref scratch);
        for (int at = 0; at < 77; at++)
        {
            double gray = (0.299 * Pictures.Red(at % 11, 11)) + (0.587 * Pictures.Green(at / 11, 7)) + (0.114 * 40);
            Assert.InRange(image.Pixels.Span[at] - gray, -0.51, 0.51);
        }
    }

    [Fact]
    public void Jpeg_is_close_and_scratch_memory_is_kept()
    {
        byte[] scratch = new byte[3 * 32 * 40 * 2], kept = scratch;
        ImageView image = ImageDecoder.Decode(Pictures.Encode(32, 40, SKEncodedImageFormat.Jpeg), "x.jpg", 3, ref scratch);
        Assert.Same(kept, scratch);
        Assert.Equal(new ImageSize(32, 40), image.Size);
        for (int at = 0; at < 32 * 40; at++)
        {
            Assert.InRange(image.Pixels.Span[at] - Pictures.Red(at % 40, 40), -6, 6);
            Assert.InRange(image.Pixels.Span[1280 + at] - Pictures.Green(at / 40, 32), -6, 6);
            Assert.InRange(image.Pixels.Span[2560 + at] - 40, -8, 8);
        }
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    public void What_is_cut_off_or_no_image_is_refused(SKEncodedImageFormat format)
    {
        byte[] file = Pictures.Encode(64, 64, format);
        Refuses(file[..(file.Length * 2 / 3)], "x, offset 0", "allowed is a whole JPEG or PNG file");
        Refuses(file[..12], "damaged head");
        Refuses([1, 2, 3, 4, 5, 6, 7, 8, 9], "bytes 0102030405060708", "JPEG or PNG");
        Refuses(Pictures.Encode(8, 8, SKEncodedImageFormat.Webp), "JPEG or PNG");
        Refuses([], "0 bytes");
    }

    [Fact]
    public void A_head_that_claims_too_much_is_refused()
    {
        byte[] file = Pictures.Encode(8, 8);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), 16_000);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), 16_000);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), Crc(file.AsSpan(12, 17)));
        HostileBytes.ReadsOrRefuses(file, bytes => Decode(bytes));
        Refuses(file, "16000x16000");
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png, 60)]
    [InlineData(SKEncodedImageFormat.Jpeg, 650)]
    public void Hostile_files_are_decoded_or_refused(SKEncodedImageFormat format, int head) =>
        HostileBytes.Of(Pictures.Encode(24, 24, format), head).Sample(bytes => HostileBytes.ReadsOrRefuses(bytes, Decode), iter: 1500);

    private static void Decode(byte[] bytes)
    {
        byte[] scratch = [];
        ImageDecoder.Decode(bytes, "x", 3, ref scratch);
    }

    private static void Refuses(byte[] file, params string[] words) => Refusal.Of<InvalidDataException>(() => Decode(file), words);

    /// <summary>The check sum of a PNG chunk, bit by bit.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }
}
